"""The committed model: its description is true, it is small, and it finds the animals of fresh scenes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov  # type: ignore[import-untyped]
import pytest

import models
from models.animals import CLASSES
from models.dataset import DEMO_SIZES, Split, render_split
from models.export import DISPLAY_THRESHOLD, INPUT_PX, NAME, describe
from models.judge import judge, look

FOLDER = Path(models.__file__).parent
ONNX, PT, DESCRIPTION = (FOLDER / f"{NAME}.{suffix}" for suffix in ("onnx", "pt", "json"))


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return found


def test_the_checksums_are_those_of_the_files(description: dict[str, Any]) -> None:
    assert description["sha256"] == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (ONNX, PT)}


def test_the_description_says_what_the_model_is(description: dict[str, Any]) -> None:
    assert description["classes"] == list(CLASSES)
    assert (description["input_px"], description["store_threshold"], description["display_threshold"]) == (
        320,
        0.05,
        0.5,
    )
    assert (description["iou"], description["max_boxes"]) == (0.45, 20)


def test_describing_again_changes_nothing(tmp_path: Path) -> None:
    for file in (ONNX, PT):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert describe(tmp_path).read_text() == DESCRIPTION.read_text()


def test_both_files_together_are_small() -> None:
    assert ONNX.stat().st_size + PT.stat().st_size < 12_000_000


def test_nothing_of_the_machine_that_trained_it_is_in_the_files() -> None:
    for file in (ONNX, PT):
        data = file.read_bytes()
        assert not [word for word in (b"/root", b"/home/", b"/work/", b"/tmp/", b"data.yaml") if word in data]


@pytest.mark.parametrize("shape", [(320, 320), (256, 320), (320, 256), (192, 320)], ids=str)
def test_a_batch_of_any_shape_is_answered_like_its_pictures_alone(shape: tuple[int, int]) -> None:
    model = ov.Core().compile_model(ov.Core().read_model(ONNX), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    batch = np.random.default_rng(0).random((8, 3, *shape), dtype=np.float32)
    together = model([batch])[0]
    assert together.shape == (8, 300, 6)
    for index in (0, 7):
        alone = model([batch[index : index + 1]])[0]
        assert together[index, :, 4] == pytest.approx(alone[0, :, 4], abs=1e-3)


def test_it_finds_animals_of_scenes_it_never_saw(tmp_path: Path) -> None:
    render_split(tmp_path, Split("fresh", 24, 9_000_000, DEMO_SIZES), workers=1)
    images = sorted((tmp_path / "images" / "fresh").iterdir())
    figures = judge(look(ONNX, images, tmp_path / "labels" / "fresh", INPUT_PX), DISPLAY_THRESHOLD)["all"]
    assert figures.animals > 15
    assert figures.found >= 0.35 * figures.animals
    assert figures.false <= 0.3 * figures.animals
