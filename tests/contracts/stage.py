"""What every stage must keep (thumper.stage.Stage), whatever it does with records."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from thumper.clock import SystemClock
from thumper.record import Done, Record
from thumper.stage import Backpressure, Stage

PATIENCE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`; fail after a while."""
    clock = SystemClock()
    end_s = clock.now_s() + PATIENCE_S
    while not condition():
        assert clock.now_s() < end_s, "waited in vain"
        Event().wait(0.002)


def collect(stage: Stage, count: int) -> list[Done]:
    """Poll until `count` records are handed out."""
    clock = SystemClock()
    found: list[Done] = []

    def enough() -> bool:
        done = stage.poll(clock.now_s())
        if done is not None:
            found.append(done)
        return sum(len(one.records) for one in found) >= count

    until(enough)
    return found


def records_of(found: list[Done]) -> list[Record]:
    """The records handed out, in order."""
    return [record for done in found for record in done.records]


class StageContract:
    """Give a fixture `stage`, opened and on the system's clock, and records that it can work on."""

    @abstractmethod
    def good(self, offset: int) -> Record:
        """A record that it can work on."""

    @abstractmethod
    def bad(self, offset: int) -> Record:
        """A record that nobody can read."""

    @pytest.fixture
    def now_s(self) -> float:
        return SystemClock().now_s()

    def test_with_nothing_taken_there_is_nothing_to_do(self, stage: Stage, now_s: float) -> None:
        assert stage.poll(now_s) is None
        assert stage.in_flight() == 0
        assert list(stage.drain(now_s)) == []

    def test_records_come_out_once_in_the_order_taken(self, stage: Stage, now_s: float) -> None:
        given = [self.good(offset) for offset in range(20)]
        for record in given:
            stage.submit(record, now_s)
        assert records_of(collect(stage, 20)) == given
        assert stage.in_flight() == 0
        assert stage.poll(now_s) is None

    def test_it_can_be_waited_for(self, stage: Stage, now_s: float) -> None:
        stage.submit(self.good(0), now_s)
        found: list[Done] = []

        def waited() -> bool:
            stage.wait(PATIENCE_S)
            done = stage.poll(SystemClock().now_s())
            found.extend([done] if done is not None else [])
            return bool(found)

        until(waited)
        assert records_of(found) == [self.good(0)]

    def test_an_unreadable_record_becomes_a_dead_letter_in_its_turn(self, stage: Stage, now_s: float) -> None:
        given = [self.good(0), self.bad(1), self.good(2)]
        for record in given:
            stage.submit(record, now_s)
        found = collect(stage, 3)
        assert records_of(found) == given
        dead = [output for done in found for output in done.outputs if output.topic == "dead-letters"]
        assert [(letter.key, letter.value) for letter in dead] == [(given[1].key, given[1].value)]

    def test_a_full_stage_says_so_and_takes_more_later(self, stage: Stage, now_s: float) -> None:
        assert stage.room(now_s) > 0
        taken = self.fill(stage, now_s)
        assert taken > 0
        assert stage.room(now_s) == 0
        assert stage.in_flight() == taken
        collect(stage, taken)
        assert stage.room(now_s) > 0
        stage.submit(self.good(taken), now_s)

    def fill(self, stage: Stage, now_s: float) -> int:
        """Submit until it is full; how many it took."""
        for taken in range(1_000_000):
            try:
                stage.submit(self.good(taken), now_s)
            except Backpressure:
                return taken
        raise AssertionError("it is never full")

    def test_drain_finishes_what_was_taken(self, stage: Stage, now_s: float) -> None:
        given = [self.good(offset) for offset in range(5)]
        for record in given:
            stage.submit(record, now_s)
        drained: Iterator[Done] = stage.drain(now_s + PATIENCE_S)
        assert records_of(list(drained)) == given
        assert stage.in_flight() == 0

    def test_after_drain_it_goes_on(self, stage: Stage, now_s: float) -> None:
        list(stage.drain(now_s))
        stage.submit(self.good(0), now_s)
        assert records_of(collect(stage, 1)) == [self.good(0)]

    def test_what_was_discarded_never_comes_out(self, stage: Stage, now_s: float) -> None:
        for offset in range(10):
            stage.submit(self.good(offset), now_s)
        stage.discard()
        assert stage.in_flight() == 0
        assert stage.poll(now_s) is None
        again = [self.good(offset) for offset in range(3, 8)]
        for record in again:
            stage.submit(record, now_s)
        assert records_of(collect(stage, 5)) == again
        assert stage.poll(now_s) is None

    def test_discarding_nothing_does_nothing(self, stage: Stage) -> None:
        stage.discard()
        stage.discard()
        assert stage.in_flight() == 0
