"""A batch through a detector that has too little memory, or fails on some pictures."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.fixed import FixedDetector
from processors.detector.fit import BatchFit
from processors.detector.frame import Canvas, Frame, letterbox, paste
from processors.detector.infer import infer
from schemas.detection import Box
from thumper.errors import Fatal, PictureError


def frame(value: int) -> Frame:
    return paste(np.full((64, 64, 3), value, dtype=np.uint8), letterbox(64, 64, Canvas(64)))


def value_of(one: Frame) -> int:
    return int(one.pixels[0, 0, 0])


class Moody(FixedDetector):
    """Asks `mood` before each batch, which may raise; remembers batch sizes."""

    def __init__(self, mood: Callable[[list[int]], None]) -> None:
        super().__init__()
        self.mood = mood
        self.sizes: list[int] = []

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        self.sizes.append(len(frames))
        self.mood([value_of(one) for one in frames])
        return super().detect(frames)


def memory_for(most: int) -> Callable[[list[int]], None]:
    def mood(values: list[int]) -> None:
        if len(values) > most:
            raise OutOfMemory(f"{len(values)} are too many")

    return mood


def refuses(bad: int) -> Callable[[list[int]], None]:
    def mood(values: list[int]) -> None:
        if bad in values:
            raise ValueError(f"cannot look at {bad}")

    return mood


FRAMES = [frame(value) for value in range(8)]
EXPECTED = FixedDetector().detect(FRAMES)


def test_all_well_is_one_batch() -> None:
    detector = Moody(memory_for(8))
    assert infer(detector, FRAMES, BatchFit(8)) == EXPECTED
    assert detector.sizes == [8]


def test_too_little_memory_halves_and_remembers() -> None:
    detector, fit = Moody(memory_for(3)), BatchFit(8)
    assert infer(detector, FRAMES, fit) == EXPECTED
    assert detector.sizes == [8, 4, 2, 2, 2, 2]
    detector.sizes.clear()
    assert infer(detector, FRAMES, fit) == EXPECTED
    assert detector.sizes == [2, 2, 2, 2]


def test_no_memory_for_a_single_one_is_a_failed_outcome() -> None:
    found = infer(Moody(memory_for(0)), FRAMES[:2], BatchFit(8))
    assert [one.error_class for one in found if isinstance(one, PictureError)] == ["oom", "oom"]


def test_one_bad_picture_does_not_harm_its_neighbours() -> None:
    detector = Moody(refuses(5))
    found = infer(detector, FRAMES, BatchFit(8))
    assert detector.sizes == [8] + [1] * 8
    assert [number for number, one in enumerate(found) if isinstance(one, PictureError)] == [5]
    assert isinstance(found[5], PictureError)
    assert (found[5].error_class, found[5].message) == ("inference", "cannot look at 5")
    assert [one for number, one in enumerate(found) if number != 5] == EXPECTED[:5] + EXPECTED[6:]


def test_a_lost_device_is_nobodys_picture() -> None:
    def lost(_: list[int]) -> None:
        raise Fatal("the device is lost")

    with pytest.raises(Fatal, match="lost"):
        infer(Moody(lost), FRAMES, BatchFit(8))


def test_a_backend_that_miscounts_is_not_believed() -> None:
    class Forgetful(FixedDetector):
        def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
            return super().detect(frames)[1:]

    with pytest.raises(Fatal, match="7 answers for 8"):
        infer(Forgetful(), FRAMES, BatchFit(8))
