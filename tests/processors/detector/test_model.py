"""What weights are described as, and what is said of those that are none."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from processors.detector.model import ModelDescription, describe
from tests.processors.detector.onnx_models import CLASSES, finder
from tests.processors.detector.shared_data import shared
from thumper.errors import ModelError

DEMO = Path(__file__).parents[3] / "models" / "thumper-demo.onnx"


def card(weights: Path, **told: object) -> None:
    weights.with_suffix(".json").write_text(json.dumps(told))


def refusal(weights: Path) -> ModelError:
    with pytest.raises(ModelError) as found:
        describe(weights)
    return found.value


def test_without_a_card_the_weights_speak_for_themselves(tmp_path: Path) -> None:
    weights = finder(tmp_path / "deer.onnx")
    found = describe(weights)
    assert (found.name, found.classes, found.input_px) == ("deer", CLASSES, 320)
    assert found.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (found.store_threshold, found.display_threshold, found.iou, found.max_boxes) == (0.05, 0.5, 0.45, 20)


def test_the_card_wins_over_the_weights_and_settings_over_the_card(tmp_path: Path) -> None:
    weights = finder(tmp_path / "deer.onnx")
    card(weights, name="Deer 2", classes=["a", "b"], input_px=640, store_threshold=0.1, display_threshold=0.4, iou=0.6)
    found = describe(weights, display_threshold=0.7)
    assert (found.name, found.classes, found.input_px, found.iou) == ("Deer 2", ("a", "b"), 640, 0.6)
    assert (found.store_threshold, found.display_threshold) == (0.1, 0.7)
    assert describe(weights, store_threshold=0.0).store_threshold == 0.0


def test_real_weights() -> None:
    found = describe(shared("weights/yolov8n_int8.onnx"))
    assert (len(found.classes), found.classes[21], found.input_px) == (80, "bear", 640)


def test_the_demo_model() -> None:
    found = describe(DEMO)
    assert found.name == "thumper-demo"
    assert {"doe", "buck", "cattle", "pig", "raccoon"} <= set(found.classes)


BASE = ModelDescription(Path("m.onnx"), "m", "0" * 64, ("doe", "buck"), 640)


@pytest.mark.parametrize(
    "changed",
    [
        replace(BASE, weights_sha256="1" * 64),
        replace(BASE, classes=("buck", "doe")),
        replace(BASE, input_px=320),
        replace(BASE, store_threshold=0.1),
        replace(BASE, iou=0.5),
        replace(BASE, max_boxes=10),
    ],
)
def test_all_that_decides_which_boxes_are_stored_is_part_of_the_identity(changed: ModelDescription) -> None:
    assert changed.id != BASE.id


@pytest.mark.parametrize(
    "changed",
    [replace(BASE, name="other"), replace(BASE, display_threshold=0.9), replace(BASE, weights=Path("x.onnx"))],
)
def test_what_is_only_shown_is_not(changed: ModelDescription) -> None:
    assert changed.id == BASE.id


def test_the_identity_never_changes() -> None:
    """Rows in databases are keyed by it."""
    assert BASE.id == "b312b659248e231e"


def test_the_fact_that_makes_it_known() -> None:
    fact = BASE.added_fact()
    assert (fact.model, fact.classes, fact.max_boxes, fact.display_threshold) == (BASE.ref, ("doe", "buck"), 20, 0.5)
    assert BASE.ref.id == BASE.id


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none.onnx")
    assert "no weights at" in error.message
    assert "THUMPER_WEIGHTS" in error.hint


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").mkdir()
    assert "directory" in refusal(tmp_path / "m.onnx").message


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    assert "empty" in refusal(tmp_path / "m.onnx").message


@pytest.mark.parametrize("name", ["m.engine", "m", "m.jpg"])
def test_other_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert "neither .onnx nor .pt" in refusal(tmp_path / name).message


@pytest.mark.parametrize("content", [b"hello", bytes(1_000), b"\x08\x08\x12\x04junk" * 50])
def test_not_a_model(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    assert "not an ONNX model" in refusal(tmp_path / "m.onnx").message


def test_half_a_model(tmp_path: Path) -> None:
    weights = finder(tmp_path / "m.onnx")
    weights.write_bytes(weights.read_bytes()[:300])
    assert "damaged" in refusal(weights).message


def test_a_model_of_another_layout_is_refused_with_the_layout_that_it_has() -> None:
    assert "1 x 3549 x 85" in refusal(shared("weights/yolox_nano.onnx")).message


def test_a_model_for_another_task(tmp_path: Path) -> None:
    assert "'segment'" in refusal(finder(tmp_path / "m.onnx", task="segment")).message


def test_a_model_that_does_not_say_its_classes(tmp_path: Path) -> None:
    weights = finder(tmp_path / "m.onnx", names="")
    assert "m.json" in refusal(weights).hint
    card(weights, classes=["x", "y"])
    assert describe(weights).classes == ("x", "y")


@pytest.mark.parametrize("names", ["{0: 'a', 2: 'b'}", "__import__('os')", "7", "[]", "{" * 10_000])
def test_class_names_that_cannot_be_read(names: str, tmp_path: Path) -> None:
    assert "class names cannot be read" in refusal(finder(tmp_path / "m.onnx", names=names)).message


def test_other_weights_than_the_card_speaks_of(tmp_path: Path) -> None:
    weights = finder(tmp_path / "m.onnx")
    card(weights, sha256={"m.onnx": "0" * 64})
    assert "000000" in refusal(weights).message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "file", id="not JSON"),
        pytest.param('{"input_px": 100}', "input_px", id="a size that is no multiple of 32"),
        pytest.param('{"store_threshold": 2}', "store_threshold", id="a threshold beyond 1"),
        pytest.param('{"classes": []}', "classes", id="no classes"),
    ],
)
def test_a_card_that_describes_nothing(text: str, words: str, tmp_path: Path) -> None:
    weights = finder(tmp_path / "m.onnx")
    weights.with_suffix(".json").write_text(text)
    error = refusal(weights)
    assert "m.json" in error.message
    assert words in error.message


def test_loading_gives_what_was_described(tmp_path: Path) -> None:
    weights = finder(tmp_path / "m.onnx")
    found = describe(weights)
    assert found.load() == weights.read_bytes()
    weights.write_bytes(weights.read_bytes() + b"!")
    with pytest.raises(ModelError, match="changed"):
        found.load()
