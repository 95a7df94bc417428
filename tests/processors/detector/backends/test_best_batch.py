"""Which batch size is chosen, and that a device without room ends the search."""

from collections.abc import Sequence

import pytest

from processors.detector.backends.best_batch import best_batch, seconds_of
from processors.detector.backends.contract import OutOfMemory
from processors.detector.frame import Frame
from tests.processors.detector.fakes import Held
from thumper.clock import SystemClock


@pytest.mark.parametrize(
    ("fixed_s", "each_s", "chosen"),
    [
        (0.0, 1.0, 1),  # larger batches gain nothing
        (1.0, 0.0, 32),  # a batch of any size takes as long as one picture
        (1.0, 1.0, 16),  # 2, 1.5, 1.25, 1.125, 1.0625 and 1.03125 s a picture: the last step gains too little
    ],
)
def test_the_smallest_that_none_beats_by_much(fixed_s: float, each_s: float, chosen: int) -> None:
    assert best_batch(lambda size: fixed_s + each_s * size) == chosen


@pytest.mark.parametrize(("room", "chosen"), [(0, 1), (1, 1), (5, 4), (100, 32)])
def test_what_the_device_has_no_room_for_is_not_chosen(room: int, chosen: int) -> None:
    def seconds(size: int) -> float:
        if size > room:
            raise OutOfMemory(f"no room for {size}")
        return 1.0

    assert best_batch(seconds) == chosen


def test_a_detector_is_tried_with_whole_batches_until_it_has_no_room() -> None:
    detector = Held()

    def refuse(frames: Sequence[Frame]) -> None:
        if len(frames) > 4:
            raise OutOfMemory("no room")

    detector.mood = refuse
    assert best_batch(seconds_of(detector, SystemClock())) in (1, 2, 4)
    assert detector.sizes == [size for size in (1, 2, 4) for _ in range(4)] + [8]
