"""What benchmarks are asked wrongly gets a clear error, from real processes, before anything is started."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.peers import ROOT


def run(*words: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
    given = (sys.executable, "-m", *map(str, words))
    return subprocess.run(
        given, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=False, timeout=250
    )


def refused(done: "subprocess.CompletedProcess[str]", *said: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for words in said:
        assert words in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("read_loop", "--pictures", ".", "--threads", 0), "0 is too few: at least 1", id="zero threads"),
        pytest.param(
            ("yolo_predict", "--weights", "w.pt", "--pictures", ".", "--threads", -1),
            "at least 0",
            id="fewer than none",
        ),
        pytest.param(
            ("yolo_predict", "--weights", "w.pt", "--pictures", ".", "--batch", "two"),
            "'two' is no whole number",
            id="no number",
        ),
        pytest.param(
            ("yolo_predict", "--weights", "w.pt", "--pictures", ".", "--batch", 10**9),
            "--batch is 1,000,000,000: such a batch takes",
            id="a batch beyond memory",
        ),
        pytest.param(
            ("yolo_predict", "--weights", "w.pt", "--pictures", "no/such"), "there is no folder no/such", id="no folder"
        ),
        pytest.param(("read_loop", "--pictures", "no/such"), "there is no folder no/such", id="no folder to read"),
        pytest.param(("read_loop", "--pictures", "thumper"), "no pictures below thumper", id="nothing to read"),
        pytest.param(
            ("ceiling", "--weights", "models/thumper-demo.onnx", "--pictures", "no/such"),
            "there is no folder",
            id="bare",
        ),
        pytest.param(("bare_loop", "--group", "g", "--count", 0), "at least 1", id="no events"),
        pytest.param(
            ("open_loop", "--port", 1, "--path", "/", "--rate", 0, "--seconds", 1), "not above zero", id="rate"
        ),
    ],
)
def test_a_part_that_is_asked_wrongly_says_so(words: tuple[object, ...], said: str) -> None:
    module, *rest = words
    refused(run(f"benchmarks.{module}", *rest), said)


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        pytest.param(("--rounds", 0), {}, "0 is too few: at least 1", id="no rounds"),
        pytest.param(("--rounds", -3), {}, "-3 is too few: at least 1", id="fewer rounds than none"),
        pytest.param(("--pictures", "no/such"), {}, "there is no folder no/such", id="no folder"),
        pytest.param(("--pictures", "thumper"), {}, "no pictures below thumper", id="no pictures"),
        pytest.param(("--only", "speed"), {}, "invalid choice: 'speed'", id="no such row"),
        pytest.param((), {"THUMPER_DEVICE": "cuda"}, "THUMPER_DEVICE is cuda", id="another device"),
    ],
)
def test_benchmarks_that_are_asked_wrongly_start_nothing(
    words: tuple[object, ...], environment: Mapping[str, str], said: str, tmp_path: Path
) -> None:
    refused(run("benchmarks", "--work", tmp_path / "work", *words, **environment), said)
    assert not (tmp_path / "work" / "stack").exists()
    assert not (tmp_path / "results.json").exists()


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(b"never looked at")
    words = ("--weights", "models/thumper-demo.onnx", "--pictures", tmp_path, "--device", "cuda")
    refused(run("benchmarks.ceiling", *words), "thumper-demo.onnx runs on the CPU only")


@pytest.mark.slow
@pytest.mark.torch
def test_a_peer_that_cannot_run_says_so_and_the_others_go_on(tmp_path: Path) -> None:
    """As on a machine where ultralytics is not installed."""
    absent = tmp_path / "absent" / "ultralytics"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text('raise ImportError("No module named ultralytics")\n')
    names = ("agreement_with_yolo_predict", "sink_vs_copy")
    done = run(
        "benchmarks",
        *("--quick", "--work", tmp_path / "work", "--only", *names),
        PYTHONPATH=os.pathsep.join([str(absent.parent), str(ROOT)]),
    )
    assert done.returncode == 1, done.stderr
    assert "NOT MEASURED: yolo_predict ended with 2: yolo predict is not installed" in done.stdout
    rows = {row["name"]: row for row in json.loads((tmp_path / "results.json").read_text())["rows"]}
    assert rows["agreement_with_yolo_predict"]["ratio"] is None
    assert rows["sink_vs_copy"]["ratio"] > 0
    assert "agreement_with_yolo_predict" in (tmp_path / "results.svg").read_text()
