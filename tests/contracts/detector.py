"""What every detector must keep, whatever computes it: run on each backend and on the fixed one."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from processors.detector.backends.contract import Detector
from processors.detector.frame import Frame, letterbox, paste
from processors.detector.selftest import self_test
from schemas.detection import Box

SHAPES = ((2048, 1536), (1080, 1920), (64, 64))


def frames(detector: Detector, count: int, shape: tuple[int, int] = SHAPES[0]) -> list[Frame]:
    """Frames of one bucket, each with other blobs of colour."""
    box = letterbox(*shape, detector.canvas)
    random = np.random.default_rng(7)
    found = []
    for _ in range(count):
        inner = random.integers(0, 60, (box.inner_height, box.inner_width, 3), dtype=np.uint8)
        x, y = random.integers(0, box.inner_width - 9), random.integers(0, box.inner_height - 9)
        inner[y : y + 96, x : x + 96] = random.integers(0, 255, 3, dtype=np.uint8)
        found.append(paste(inner, box))
    return found


class DetectorContract:
    """Give a fixture `detector`, opened. tolerance: by how much a neighbour in the batch may change a number."""

    tolerance = 0.0
    store_threshold = 0.05

    def test_one_answer_a_frame_in_the_order_of_the_frames(self, detector: Detector) -> None:
        given = frames(detector, 5)
        alone = [detector.detect([frame])[0] for frame in given]
        self.same(detector.detect(given), alone)
        self.same(detector.detect(given[::-1]), alone[::-1])

    def test_boxes_lie_in_the_picture_and_are_sorted(self, detector: Detector) -> None:
        for boxes in detector.detect(frames(detector, 8)):
            confidence = [box.confidence for box in boxes]
            assert confidence == sorted(confidence, reverse=True)
            assert all(sure >= self.store_threshold - 1e-4 for sure in confidence)
            assert all(0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1 for box in boxes)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_any_bucket_and_any_batch_size(self, detector: Detector, shape: tuple[int, int]) -> None:
        for count in (1, 3, 8, 11):
            assert len(detector.detect(frames(detector, count, shape))) == count

    def test_as_many_threads_as_it_says(self, detector: Detector) -> None:
        assert detector.parallel >= 1
        given = [frames(detector, 3, shape) for shape in itertools.islice(itertools.cycle(SHAPES), 12)]
        alone = [detector.detect(batch) for batch in given]
        with ThreadPoolExecutor(detector.parallel + 1) as pool:
            for found, expected in zip(pool.map(detector.detect, given), alone, strict=True):
                self.same(found, expected)

    def test_it_says_what_it_is(self, detector: Detector) -> None:
        assert detector.model.input_px == detector.canvas.input_px
        assert all(detector.runtime.model_dump().values())

    def test_it_passes_the_self_test(self, detector: Detector) -> None:
        self_test(detector)

    def same(self, found: Sequence[list[Box]], expected: Sequence[list[Box]]) -> None:
        assert len(found) == len(expected)
        for these, those in zip(found, expected, strict=True):
            same_boxes(these, those, self.tolerance, self.tolerance)


def same_boxes(these: list[Box], those: list[Box], confidence: float, corners: float, threshold: float = 0.0) -> None:
    """Each box at or above `threshold` in either list has its like in the other, within the tolerances."""
    for some, others in ((these, those), (those, these)):
        for box in some:
            if box.confidence < threshold:
                continue
            assert any(_like(box, other, confidence, corners) for other in others), f"{box} is not among {others}"


def _like(box: Box, other: Box, confidence: float, corners: float) -> bool:
    return (
        box.class_id == other.class_id
        and abs(box.confidence - other.confidence) <= confidence
        and max(abs(getattr(box, side) - getattr(other, side)) for side in ("x1", "y1", "x2", "y2")) <= corners
    )
