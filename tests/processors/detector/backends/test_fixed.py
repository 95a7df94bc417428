"""The detector that looks at nothing."""

import pytest

from processors.detector.backends.contract import Detector
from processors.detector.backends.fixed import FixedDetector
from processors.detector.frame import blank
from tests.contracts.detector import DetectorContract, frames
from thumper.clock import SteppedClock


class TestFixed(DetectorContract):
    @pytest.fixture
    def detector(self) -> Detector:
        return FixedDetector()


def test_different_pixels_give_different_boxes() -> None:
    detector = FixedDetector()
    found = detector.detect(frames(detector, 30))
    assert {len(boxes) for boxes in found} == {0, 1, 2}


def test_it_takes_its_time() -> None:
    clock = SteppedClock()
    detector = FixedDetector(latency_s=0.25, clock=clock)
    detector.detect([blank(detector.canvas)] * 8)
    assert clock.now_s() == 0.25
