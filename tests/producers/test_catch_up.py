"""Waiting before an import: for its turn, and for a sink that has recorded the log."""

import pytest

from producers.catch_up import wait_for_turn, wait_until_recorded
from producers.patience import Patience
from tests.producers.fakes import FixedLog
from thumper.clock import SteppedClock
from thumper.errors import UserError
from thumper.record import Partition

ENDS = {Partition("images", 0): 70, Partition("images", 1): 30, Partition("facts", 0): 5}


class Waiting:
    """A stepped clock, and what was said."""

    def __init__(self, stop_at_s: float = float("inf")) -> None:
        self.clock = SteppedClock()
        self.said: list[str] = []
        self.patience = Patience(self.clock, lambda: self.clock.now_s() >= stop_at_s, self.said.append)


class Lock:
    """A lock that others hold for so many tries."""

    def __init__(self, tries: int) -> None:
        self._tries = tries

    def acquire(self) -> bool:
        self._tries -= 1
        return self._tries < 0


def test_nothing_to_wait_for() -> None:
    waiting, log = Waiting(), FixedLog(dict.fromkeys(ENDS, 0))
    assert wait_until_recorded(log, log, 60, waiting.patience)
    assert (waiting.said, waiting.clock.now_s()) == ([], 0)


def test_a_log_whose_start_was_removed_is_not_waited_for() -> None:
    waiting, log = Waiting(), FixedLog(dict.fromkeys(ENDS, 50), starts=50)
    assert wait_until_recorded(log, log, 60, waiting.patience)


def test_a_slow_sink_gets_the_time_it_needs() -> None:
    waiting, log = Waiting(), FixedLog(ENDS, pace=1)
    assert wait_until_recorded(log, log, 0.5, waiting.patience)
    assert waiting.said == ["[INFO] Waiting until the sink has recorded 105 earlier events"]
    assert waiting.clock.now_s() == pytest.approx(7.0)


def test_no_sink() -> None:
    waiting, log = Waiting(), FixedLog(ENDS)
    with pytest.raises(UserError, match=r"105 events .* no sink seems to run") as caught:
        wait_until_recorded(log, log, 60, waiting.patience)
    assert "thumper up" in caught.value.hint
    assert waiting.clock.now_s() == pytest.approx(60, abs=0.2)


def test_a_sink_that_stopped() -> None:
    class Stopping(FixedLog):
        def recorded(self, topics: object) -> dict[Partition, int]:
            self._pace = 0 if self._recorded[Partition("images", 0)] >= 40 else 10
            return super().recorded(("images", "facts"))

    waiting, log = Waiting(), Stopping(ENDS)
    with pytest.raises(UserError, match="the sink has stopped recording"):
        wait_until_recorded(log, log, 60, waiting.patience)


def test_stopped_while_waiting() -> None:
    log = FixedLog(ENDS)
    assert not wait_until_recorded(log, log, 60, Waiting(stop_at_s=3).patience)


def test_turn() -> None:
    waiting = Waiting()
    assert wait_for_turn(Lock(5), waiting.patience)
    assert len(waiting.said) == 1
    assert waiting.clock.now_s() == 5
    assert not wait_for_turn(Lock(10**9), Waiting(stop_at_s=3).patience)
