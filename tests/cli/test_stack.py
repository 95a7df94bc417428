"""The commands of the embedded stack where there is none, or where what is asked for cannot be."""

from pathlib import Path

import pytest

from tests.cli.command import assert_refused, thumper


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ("--weights", "nowhere.onnx"), ("nowhere.onnx", "set THUMPER_WEIGHTS to a file .onnx or .pt"), id="weights"
        ),
        pytest.param(("--device", "cuda"), ("runs on the CPU only", "give the .pt weights"), id="device"),
    ],
)
def test_what_no_detector_could_run_with_is_refused_before_anything_is_started(
    words: tuple[str, ...], said: tuple[str, ...], tmp_path: Path
) -> None:
    assert_refused(thumper(tmp_path, "up", *words, data_dir="data"), 2, *said)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["status", "lag", "init", "sink", "restart"])
def test_where_nothing_runs_it_is_said_how_to_start_it(command: str, tmp_path: Path) -> None:
    said = f"nothing runs in {tmp_path / 'data'}"
    assert_refused(thumper(tmp_path, command, data_dir="data"), 2, said, "start it with `thumper up`")
