"""Pictures that show their number: read back through the detector's own decoding, and answered by it alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from processors.detector.backends.contract import OutOfMemory
from processors.detector.decode import decode
from processors.detector.selftest import self_test
from tests.faults.stub import DAMAGED_EVERY, SIDE_PX, StubDetector, answer, is_damaged, number_in, picture
from thumper.errors import PictureError


@pytest.fixture
def detector(tmp_path_factory: pytest.TempPathFactory) -> StubDetector:
    return StubDetector(0.0, tmp_path_factory.mktemp("orders") / "memory")


CANVAS = StubDetector(0.0, Path("nowhere")).canvas
numbers = some.integers(0, 2**32 - 1)


@given(numbers.filter(lambda number: not is_damaged(number)))
def test_a_picture_shows_its_number_and_nothing_else_is_needed_for_the_answer(number: int) -> None:
    frame = decode(picture(number), CANVAS)
    assert frame.pixels.shape == (SIDE_PX, SIDE_PX, 3)
    assert number_in(frame.pixels) == number


@given(some.integers(0, 2**26).map(lambda number: number * DAMAGED_EVERY + 7))
def test_a_damaged_picture_cannot_be_decoded(number: int) -> None:
    assert is_damaged(number)
    with pytest.raises(PictureError):
        decode(picture(number), CANVAS)
    assert answer(number).state == "failed"


def test_it_answers_as_the_harness_expects(detector: StubDetector) -> None:
    self_test(detector)
    wanted = [number for number in range(40) if not is_damaged(number)]
    found = detector.detect([decode(picture(number), detector.canvas) for number in wanted])
    told = [tuple((box.confidence, box.x1, box.y1, box.x2, box.y2) for box in boxes) for boxes in found]
    assert told == [answer(number).boxes for number in wanted]
    assert len(set(told)) > 10


def test_it_runs_out_of_memory_while_it_is_told_to(detector: StubDetector) -> None:
    frames = [decode(picture(number), detector.canvas) for number in range(3)]
    detector.memory.write_text("2", "ascii")
    with pytest.raises(OutOfMemory):
        detector.detect(frames)
    assert len(detector.detect(frames[:2])) == 2
    detector.memory.unlink()
    assert len(detector.detect(frames)) == 3
