"""`thumper detector` with weights and devices that cannot be: what is said, exit code 2, and nothing was begun."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import NOWHERE, assert_refused, thumper
from tests.processors.detector.shared_data import shared


def detector(folder: Path, *words: str) -> Any:
    return thumper(folder, "detector", *words, data_dir="data", **NOWHERE)


def nothing_was_begun(folder: Path) -> bool:
    """No worker was ever ready, and the name is free for the next."""
    return [path.name for path in (folder / "data").rglob("*") if path.is_file()] == ["detector-1.lock"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ("--weights", "nowhere.onnx"),
            ("no weights at nowhere.onnx", "set THUMPER_WEIGHTS to a file .onnx or .pt"),
            id="not there",
        ),
        pytest.param(
            ("--weights", "letter.onnx"),
            ("letter.onnx is not an ONNX model, or is damaged", "export or copy it again"),
            id="a text called .onnx",
        ),
        pytest.param(("--device", "gpu"), ("the device 'gpu' is not understood", "use auto, cpu"), id="device"),
    ],
)
def test_weights_and_devices_that_cannot_be(words: tuple[str, ...], said: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "letter.onnx").write_text("Dear ranch, no model here.\n")
    assert_refused(detector(tmp_path, *words), 2, *said)
    assert nothing_was_begun(tmp_path)


def test_a_model_of_another_layout_is_refused_with_the_layout_that_it_has(tmp_path: Path) -> None:
    weights = shared("weights/yolox_nano.onnx")
    said = ("yolox_nano.onnx has the output 1 x 3549 x 85", "it must be 1 x (4 + classes) x N", "yolo export")
    assert_refused(detector(tmp_path, "--weights", str(weights)), 2, *said)
    assert nothing_was_begun(tmp_path)


class Touch:
    """Unpickling it touches a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


@pytest.mark.torch
@pytest.mark.parametrize("content", ["attack", "letter"])
def test_pickles_that_are_no_checkpoint_are_refused_and_never_run(content: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `torch`")
    canary = tmp_path / "canary"
    attack = pickle.dumps({"model": Touch(canary)})
    (tmp_path / "m.pt").write_bytes(attack if content == "attack" else b"hello, no model\n")
    said = "m.pt cannot be loaded: " + ("" if content == "attack" else "it is no checkpoint of torch")
    assert_refused(detector(tmp_path, "--weights", "m.pt"), 2, said, "give weights trained by ultralytics")
    assert nothing_was_begun(tmp_path)
    assert not canary.exists()
    pickle.loads(attack)  # noqa: S301  shows that the canary sings
    assert canary.exists()
