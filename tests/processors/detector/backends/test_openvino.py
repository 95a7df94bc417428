"""OpenVINO on ONNX models whose answers are known, and on real weights and real pictures."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from processors.detector.backends.contract import Detector
from processors.detector.backends.openvino import OpenVinoDetector
from processors.detector.decode import decode, prepare_process
from processors.detector.model import describe
from schemas.detection import Box
from tests.contracts.detector import DetectorContract, frames
from tests.processors.detector.onnx_models import finder
from tests.processors.detector.pictures import GREEN, RED, picture
from tests.processors.detector.shared_data import shared
from thumper.errors import ModelError

LAYOUTS = ("raw", "ends")


def opened(path: Path) -> OpenVinoDetector:
    prepare_process()
    detector = OpenVinoDetector(describe(path))
    detector.open()
    return detector


@pytest.mark.parametrize("layout", LAYOUTS)
class TestAnySize(DetectorContract):
    @pytest.fixture
    def detector(self, layout: str, tmp_path: Path) -> Detector:
        return opened(finder(tmp_path / "finder.onnx", layout))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 4])
class TestFixedSize(DetectorContract):
    @pytest.fixture
    def detector(self, layout: str, batch: int, tmp_path: Path) -> Detector:
        return opened(finder(tmp_path / "finder.onnx", layout, batch, (320, 320)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [None, (320, 320), (192, 320)])
def test_boxes_are_where_the_colours_are(layout: str, size: tuple[int, int] | None, tmp_path: Path) -> None:
    """On 640 x 480, shown at half its size: one cell of red, two of green."""
    detector = opened(finder(tmp_path / "finder.onnx", layout, 1 if size else None, size))
    data = picture((640, 480), [((64, 64, 192, 192), RED), ((448, 320, 576, 448), GREEN)])
    found = detector.detect([decode(data, detector.canvas)])[0]
    for name, (x1, y1, x2, y2) in {"red": (0.1, 2 / 15, 0.3, 0.4), "green": (0.7, 2 / 3, 0.9, 14 / 15)}.items():
        hits = [box for box in found if box.class_name == name and box.confidence > 0.4]
        assert hits
        assert all(x1 <= (hit.x1 + hit.x2) / 2 <= x2 and y1 <= (hit.y1 + hit.y2) / 2 <= y2 for hit in hits)


def test_a_turned_picture_gives_boxes_of_the_upright_one(tmp_path: Path) -> None:
    detector = opened(finder(tmp_path / "finder.onnx"))
    exif = Image.Exif()
    exif[0x0112] = 6
    # Red at the bottom left as stored is at the top left when turned clockwise.
    data = picture((640, 480), [((0, 320, 160, 480), RED)], "JPEG", exif=exif)
    best = detector.detect([decode(data, detector.canvas)])[0][0]
    assert best.class_name == "red"
    assert best.x2 <= 1 / 3 + 0.01
    assert best.y2 <= 1 / 4 + 0.01


def test_the_storing_threshold_is_the_models(tmp_path: Path) -> None:
    description = describe(finder(tmp_path / "finder.onnx"))
    counts = []
    for threshold in (0.01, 0.3, 0.99):
        detector = OpenVinoDetector(replace(description, store_threshold=threshold))
        detector.open()
        counts.append(sum(len(boxes) for boxes in detector.detect(frames(detector, 8))))
    assert counts[0] > counts[1] >= counts[2] == 0


def test_weights_that_changed_after_they_were_described_are_refused(tmp_path: Path) -> None:
    path = finder(tmp_path / "finder.onnx")
    detector = OpenVinoDetector(describe(path))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="changed"):
        detector.open()


# Name of the shared picture: class, least confidence, and a place inside the animal, relative to the picture.
KNOWN = {
    "cameratrapai/american_black_bear.jpg": ("bear", 0.85, (0.6, 0.6)),
    "cameratrapai/domestic_cattle.jpg": ("cow", 0.75, (0.44, 0.52)),
    "cameratrapai/african_elephants.jpg": ("elephant", 0.75, (0.62, 0.5)),
    "animl_py_buow/IMG_0708.JPG": ("bird", 0.85, (0.62, 0.65)),
    "cameratrapai/human.jpg": ("person", 0.6, (0.74, 0.6)),
}


@pytest.fixture(scope="module")
def coco() -> OpenVinoDetector:
    return opened(shared("weights/yolov8n_int8.onnx"))


def found_in(coco: OpenVinoDetector, name: str) -> list[Box]:
    return coco.detect([decode(shared(name).read_bytes(), coco.canvas)])[0]


@pytest.mark.parametrize("name", KNOWN)
def test_real_animals_are_found_where_they_are(coco: OpenVinoDetector, name: str) -> None:
    class_name, confidence, (x, y) = KNOWN[name]
    best = found_in(coco, name)[0]
    assert (best.class_name, best.confidence >= confidence) == (class_name, True)
    assert best.x1 < x < best.x2
    assert best.y1 < y < best.y2


@pytest.mark.parametrize("name", ["blank.jpg", "blank2.jpg", "blank3.jpg"])
def test_real_blanks_are_empty_at_the_display_threshold(coco: OpenVinoDetector, name: str) -> None:
    assert [box for box in found_in(coco, f"cameratrapai/{name}") if box.confidence >= 0.5] == []
