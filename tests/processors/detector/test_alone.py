"""A picture looked at in a child process: what it says, what it does not survive, and its limits."""

import os
import threading
from collections.abc import Iterator, Sequence

import pytest

from processors.detector.alone import Alone
from processors.detector.backends.fixed import FixedDetector
from processors.detector.decode import decode, prepare_process
from processors.detector.frame import Frame
from schemas.detection import Box
from tests.processors.detector.pictures import RED, picture
from thumper.errors import PictureError

GOOD = picture((64, 48), [((0, 0, 30, 30), RED)])
LARGEST_BYTES = 64 << 20


class Dying(FixedDetector):
    """Does to its process what the picture's height says."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        height = frames[0].letterbox.source_height
        if height == 11:
            os.abort()
        if height == 12:
            threading.Event().wait()
        if height == 13:
            bytearray(4 * LARGEST_BYTES)
        return super().detect(frames)


class Unborn(FixedDetector):
    """Does not come up."""

    def open(self) -> None:
        os._exit(7)


@pytest.fixture
def alone() -> Iterator[Alone]:
    found = Alone(Dying, limit_s=3.0, memory_bytes=LARGEST_BYTES)
    yield found
    found.close()


def failure(alone: Alone, data: bytes) -> tuple[str, str]:
    with pytest.raises(PictureError) as raised:
        alone.look(data)
    return raised.value.error_class, raised.value.message


def test_it_sees_what_the_process_itself_would_see(alone: Alone) -> None:
    prepare_process()
    detector = FixedDetector()
    frame = decode(GOOD, detector.canvas)
    seen = alone.look(GOOD)
    assert seen.boxes == detector.detect([frame])[0]
    assert seen.letterbox == frame.letterbox


def test_what_it_does_not_survive_is_a_crash_and_the_next_one_is_looked_at(alone: Alone) -> None:
    kind, said = failure(alone, picture((20, 11)))
    assert (kind, said) == ("crash", "it ended a process that looked at it alone: signal SIGABRT")
    assert alone.look(GOOD).letterbox.source_width == 64


def test_what_never_ends_is_ended(alone: Alone) -> None:
    assert failure(alone, picture((20, 12))) == ("crash", "looking at it alone did not end within 3 s")
    assert alone.look(GOOD).letterbox.source_width == 64


def test_memory_is_limited(alone: Alone) -> None:
    kind, said = failure(alone, picture((20, 13)))
    assert (kind, "MemoryError" in said) == ("inference", True)


def test_a_picture_that_merely_fails_keeps_its_class(alone: Alone) -> None:
    assert failure(alone, b"no picture")[0] == "decode"
    assert failure(alone, b"")[0] == "decode"


def test_a_child_that_does_not_come_up_does_not_stop_the_line() -> None:
    assert failure(Alone(Unborn, limit_s=3.0), GOOD)[0] == "crash"
