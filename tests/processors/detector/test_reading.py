"""Reading a picture once, checking it, trying again, and telling a missing picture from a missing store."""

import pytest

from processors.detector.reading import MISSING_IN_A_ROW, Reading
from processors.detector.task import Task, task
from schemas.codec import decode
from tests.processors.detector.pictures import imported, picture
from thumper.clock import SteppedClock
from thumper.errors import DatabaseDown, PictureError, StoreDown

DATA = picture((64, 48))


def task_of(data: bytes) -> Task:
    record = imported(data)
    return task(record, decode("images", record.value))


class Script:
    """A reader that gives or raises what is next; the last for ever."""

    def __init__(self, *steps: bytes | Exception) -> None:
        self.steps = list(steps)
        self.calls = 0

    def __call__(self, uri: str, size_bytes: int | None) -> bytes:
        self.calls += 1
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step


def missing() -> PictureError:
    return PictureError("missing", "no such file")


def test_the_bytes_that_were_hashed_are_given() -> None:
    reader = Script(DATA)
    assert Reading(reader, SteppedClock()).fetch(task_of(DATA)) == DATA
    assert reader.calls == 1


def test_other_bytes_are_refused() -> None:
    with pytest.raises(PictureError, match="changed or damaged") as refusal:
        Reading(Script(DATA + b"!"), SteppedClock()).fetch(task_of(DATA))
    assert refusal.value.error_class == "integrity"


@pytest.mark.parametrize("passing", [OSError(5, "Input/output error"), DatabaseDown("any other Retriable")])
def test_what_may_pass_is_tried_again_with_growing_waits(passing: Exception) -> None:
    clock, reader = SteppedClock(), Script(passing, passing, DATA)
    assert Reading(reader, clock).fetch(task_of(DATA)) == DATA
    assert reader.calls == 3
    assert clock.now_s() == pytest.approx(0.5)


def test_what_does_not_pass_fails_the_picture() -> None:
    reader = Script(OSError(5, "Input/output error"))
    with pytest.raises(PictureError, match="tried 3 times") as refusal:
        Reading(reader, SteppedClock()).fetch(task_of(DATA))
    assert (refusal.value.error_class, reader.calls) == ("read", 3)


@pytest.mark.parametrize("error", [missing(), PictureError("forbidden_path", "no"), StoreDown("away")])
def test_what_will_not_pass_is_not_tried_again(error: Exception) -> None:
    reader = Script(error)
    with pytest.raises(type(error)):
        Reading(reader, SteppedClock()).fetch(task_of(DATA))
    assert reader.calls == 1


def test_so_many_missing_in_a_row_are_the_stores_fault() -> None:
    reading = Reading(Script(missing()), SteppedClock())
    for _ in range(MISSING_IN_A_ROW - 1):
        with pytest.raises(PictureError):
            reading.fetch(task_of(DATA))
    for _ in range(3):
        with pytest.raises(StoreDown, match="in a row"):
            reading.fetch(task_of(DATA))


def test_one_that_is_there_ends_the_row() -> None:
    steps = [missing() for _ in range(MISSING_IN_A_ROW - 1)]
    reading = Reading(Script(*steps, DATA, missing()), SteppedClock())
    for _ in steps:
        with pytest.raises(PictureError):
            reading.fetch(task_of(DATA))
    reading.fetch(task_of(DATA))
    with pytest.raises(PictureError):
        reading.fetch(task_of(DATA))
