"""api/snapshot.py: one reading for all who ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.snapshot import Shared
from thumper.clock import SteppedClock, SystemClock
from thumper.embedded.waiting import wait_until
from thumper.errors import KafkaDown


class Counting:
    """Answers with the number of the reading; waits for `go` where one is given."""

    def __init__(self, go: threading.Event | None = None, error: Exception | None = None) -> None:
        self.read = 0
        self._go = go
        self.error = error

    def __call__(self) -> int:
        self.read += 1
        if self._go is not None:
            assert self._go.wait(10)
        if self.error is not None:
            raise self.error
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


def test_while_callers_come_often_the_next_one_is_read_behind_their_backs() -> None:
    go, clock = threading.Event(), SteppedClock()
    go.set()
    source = Counting(go)
    shared = Shared(source, clock, 0.25)
    assert shared.get() == 1
    go.clear()
    clock.step(0.2)
    # The reading that this starts does not end before `go`; nobody waits for it.
    assert [shared.get(), shared.get()] == [1, 1]
    go.set()
    assert wait_until(lambda: shared.get() == 2, SystemClock(), 10)
    assert source.read == 2


def test_nobody_gets_what_was_older_than_that_when_he_came() -> None:
    go, clock = threading.Event(), SteppedClock()
    source = Counting(go)
    shared = Shared(source, clock, 0.25)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.get)
        assert wait_until(lambda: source.read == 1, SystemClock(), 10)
        clock.step(0.3)
        second = pool.submit(shared.get)
        go.set()
        assert (first.result(10), second.result(10)) == (1, 2)


def test_a_failure_behind_their_backs_is_told_to_the_next_caller() -> None:
    clock, source = SteppedClock(), Counting()
    shared = Shared(source, clock, 0.25)
    assert shared.get() == 1
    source.error = KafkaDown("away")
    clock.step(0.2)
    assert shared.get() == 1

    def told() -> bool:
        try:
            shared.get()
        except KafkaDown:
            return True
        return False

    assert wait_until(told, SystemClock(), 10)
    assert source.read == 2
