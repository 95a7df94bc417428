"""Torch and ultralytics: the same boxes as OpenVINO, weights that are attacks, devices that are not there."""

import hashlib
import io
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.compose import render_scene
from processors.detector.backends.contract import Detector
from processors.detector.backends.openvino import OpenVinoDetector
from processors.detector.backends.ultralytics import UltralyticsDetector
from processors.detector.decode import decode, prepare_process
from processors.detector.model import ModelDescription, describe
from schemas.detection import Box
from tests.contracts.detector import DetectorContract, same_boxes
from tests.processors.detector.shared_data import FOLDER
from thumper.errors import ModelError, PictureError, UserError

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch", reason="needs the extra `torch`")

DEMO = Path(__file__).parents[4] / "models" / "thumper-demo.pt"
PICTURES = 12
# Single precision against bfloat16, whose mantissa has 8 bits. Of 366 boxes from 0.2 up in real and drawn pictures,
# none was without its like; confidence differed by at most 0.024, corners by at most 0.0015 of the picture's side.
CONFIDENCE_TOLERANCE, CORNER_TOLERANCE = 0.05, 0.005


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Torch's threads wait for each other by spinning, which on a busy machine takes a hundred times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def demo() -> UltralyticsDetector:
    prepare_process()
    detector = UltralyticsDetector(describe(DEMO), "cpu")
    detector.open()
    return detector


class TestDemoModel(DetectorContract):
    # Convolutions of batches of other sizes sum up in another order.
    tolerance = 1e-3

    @pytest.fixture
    def detector(self, demo: UltralyticsDetector) -> Detector:
        return demo


def test_the_runtime_says_what_computes(demo: UltralyticsDetector) -> None:
    assert (demo.runtime.backend, demo.runtime.device, demo.runtime.precision) == ("ultralytics", "cpu", "f32")


def test_what_is_no_picture_is_told_by_pillow_and_nobody_looks_for_further_packages(demo: UltralyticsDetector) -> None:
    assert Image.open.__module__ == "PIL.Image", "ultralytics' own reader asks for packages"
    with pytest.raises(PictureError, match="not a picture"):
        decode(b"hello, I am a picture", demo.canvas)


@pytest.fixture(scope="module")
def openvino() -> OpenVinoDetector:
    detector = OpenVinoDetector(describe(DEMO.with_suffix(".onnx")))
    detector.open()
    return detector


def test_the_two_forms_of_the_demo_model_find_the_same_in_scenes(
    demo: UltralyticsDetector, openvino: OpenVinoDetector
) -> None:
    pictures = _scenes()
    found = _compare(demo, openvino, pictures, 0.3)
    assert sum(len(boxes) for boxes in found) >= PICTURES // 2


def test_and_in_real_pictures(demo: UltralyticsDetector, openvino: OpenVinoDetector) -> None:
    paths = sorted(FOLDER.glob("cameratrapai/*.jpg"))
    if not paths:
        pytest.skip(f"{FOLDER} is not there")
    _compare(demo, openvino, [path.read_bytes() for path in paths], 0.3)


def _scenes() -> list[bytes]:
    found = []
    for seed in range(PICTURES):
        out = io.BytesIO()
        render_scene(50_000 + seed, (800, 600)).image.save(out, "JPEG", quality=90)
        found.append(out.getvalue())
    return found


def _compare(first: Detector, second: Detector, pictures: list[bytes], threshold: float) -> list[list[Box]]:
    found = []
    for data in pictures:
        frame = decode(data, first.canvas)
        ours, theirs = first.detect([frame])[0], second.detect([frame])[0]
        same_boxes(ours, theirs, CONFIDENCE_TOLERANCE, CORNER_TOLERANCE, threshold)
        found.append([box for box in ours if box.confidence >= threshold])
    return found


class Touch:
    """Unpickling it touches a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def _refused(weights: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        describe(weights)
    detector = UltralyticsDetector(_described(weights), "cpu")
    with pytest.raises(ModelError, match="cannot be loaded"):
        detector.open()


def _described(weights: Path) -> ModelDescription:
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    return ModelDescription(weights, "m", sha256, ("doe",), 320)


@pytest.mark.parametrize("place", ["model", "train_args", "alone", "plain"])
def test_weights_that_run_code_are_refused_before_they_do(place: str, tmp_path: Path) -> None:
    canary, weights = tmp_path / "canary", tmp_path / "evil.pt"
    evil = Touch(canary)
    if place == "plain":
        weights.write_bytes(pickle.dumps({"model": evil}))
    elif place == "alone":
        torch.save(evil, weights)
    else:
        honest = torch.load(DEMO, weights_only=False)
        torch.save({**honest, place: evil}, weights)
    _refused(weights)
    assert not canary.exists()


def test_the_attack_would_work_on_a_careless_reader(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Touch(canary)))  # noqa: S301  shows that the canary sings
    assert canary.exists()


@pytest.mark.parametrize("content", [b"hello", bytes(1_000)])
def test_weights_that_are_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(content)
    _refused(tmp_path / "m.pt")
    with pytest.raises(ModelError, match=r"cannot be loaded: .*[a-z]{3}"):
        describe(tmp_path / "m.pt")


def test_half_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(DEMO.read_bytes()[:100_000])
    _refused(tmp_path / "m.pt")


def test_weights_exchanged_after_they_were_described(tmp_path: Path) -> None:
    description = replace(describe(DEMO), weights=tmp_path / "m.pt")
    (tmp_path / "m.pt").write_bytes(DEMO.read_bytes() + b"!")
    with pytest.raises(ModelError, match="changed"):
        UltralyticsDetector(description, "cpu").open()


def test_without_a_card_the_checkpoint_speaks_for_itself(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(DEMO.read_bytes())
    expected, found = describe(DEMO), describe(tmp_path / "m.pt")
    assert (found.name, found.classes, found.input_px) == ("m", expected.classes, expected.input_px)


def test_a_device_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    for device in ("cuda", "cuda:3"):
        with pytest.raises(UserError, match="not there: torch sees no CUDA device"):
            UltralyticsDetector(describe(DEMO), device).open()


def test_cuda_in_half_precision_finds_the_same(demo: UltralyticsDetector) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    half = UltralyticsDetector(describe(DEMO), "cuda")
    half.open()
    assert half.runtime.precision == "f16"
    _compare(half, demo, _scenes(), 0.3)
