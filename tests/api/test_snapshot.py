"""api/snapshot.py: one reading for all who ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.snapshot import Shared
from thumper.clock import SteppedClock
from thumper.errors import KafkaDown


class Counting:
    """Answers with the number of the reading; waits for `go` where one is given."""

    def __init__(self, go: threading.Event | None = None, error: Exception | None = None) -> None:
        self.read = 0
        self._go = go
        self._error = error

    def __call__(self) -> int:
        self.read += 1
        if self._go is not None:
            assert self._go.wait(10)
        if self._error is not None:
            raise self._error
        return self.read


def test_the_same_until_it_is_too_old() -> None:
    clock, source = SteppedClock(), Counting()
    shared = Shared(source, clock, 0.25)
    assert [shared.get(), shared.get()] == [1, 1]
    clock.step(0.25)
    assert shared.get() == 2


def test_a_crowd_causes_one_reading() -> None:
    go, clock = threading.Event(), SteppedClock()
    source = Counting(go)
    shared = Shared(source, clock, 0.25)
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(shared.get) for _ in range(20)]
        go.set()
        assert {answer.result(10) for answer in asked} == {1}
    assert source.read == 1


def test_a_failure_is_shared_too_and_then_forgotten() -> None:
    clock, source = SteppedClock(), Counting(error=KafkaDown("away"))
    shared = Shared(source, clock, 0.25)
    for _ in range(3):
        with pytest.raises(KafkaDown, match="away"):
            shared.get()
    assert source.read == 1
    clock.step(0.3)
    with pytest.raises(KafkaDown):
        shared.get()
    assert source.read == 2
