"""One receiver's turns, with a moved clock: what it does not take, and what becomes of the rest."""

from collections.abc import Sequence
from datetime import UTC, datetime

from processors.monitor.delivery import BACKOFF_S, Delivery
from processors.monitor.receivers import NotDelivered, Refused
from schemas.alert import Alert
from thumper.alerts import Words, make_alert
from thumper.clock import SteppedClock

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


class Fussy:
    """Takes what `faults` does not name."""

    name = "fussy"
    quiet_s = 0.0

    def __init__(self, repeat_s: float | None = None, **faults: Exception) -> None:
        self.repeat_s = repeat_s
        self.faults = faults
        self.got: list[str] = []

    def send(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            if (fault := self.faults.get(alert.name)) is not None:
                raise fault
        self.got += [alert.name for alert in alerts]


class Bench:
    def __init__(self, receiver: Fussy, *names: str) -> None:
        self.clock = SteppedClock()
        self.delivery = Delivery(receiver, self.clock)
        for offset, name in enumerate(names):
            self.delivery.told.note(offset, make_alert(name, Words("said", since=NOON), NOON, "thumper/test"))

    def turns(self, count: int) -> list[float]:
        """Seconds waited after each."""
        waited = []
        for _ in range(count):
            waited.append(self.delivery.turn())
            self.clock.step(waited[-1])
        return waited


def test_who_does_not_answer_is_asked_less_and_less_and_gets_all_in_order() -> None:
    receiver = Fussy(a=NotDelivered("away"))
    bench = Bench(receiver, "a", "b")
    waited = bench.turns(12)
    assert waited[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waited[-1] == BACKOFF_S[1]
    receiver.faults.clear()
    assert bench.turns(2) == [0.0, 0.0]
    assert receiver.got == ["a", "b"]
    assert bench.delivery.told.position == 2


def test_a_fault_of_the_program_is_no_end() -> None:
    receiver = Fussy(a=RuntimeError("never thought of"))
    bench = Bench(receiver, "a")
    assert bench.turns(2) == [1.0, 2.0]
    receiver.faults.clear()
    assert bench.turns(1) == [0.0]
    assert receiver.got == ["a"]


def test_one_alert_that_is_refused_does_not_hold_up_the_later_ones() -> None:
    receiver = Fussy(a=Refused("answers 400"))
    bench = Bench(receiver, "a", "b", "c")
    assert bench.turns(2) == [0.0, 0.0]
    assert receiver.got == ["b", "c"]
    assert bench.delivery.told.position == 3


def test_who_refuses_everything_loses_nothing() -> None:
    receiver = Fussy(a=Refused("answers 404"), b=Refused("answers 404"))
    bench = Bench(receiver, "a", "b")
    assert bench.turns(2) == [1.0, 2.0]
    assert bench.delivery.told.position == 0
    receiver.faults.clear()
    bench.turns(1)
    assert receiver.got == ["a", "b"]


def test_a_repetition_that_is_taken_ends_the_backing_off_and_one_that_is_refused_comes_in_its_time() -> None:
    receiver = Fussy(repeat_s=60.0)
    bench = Bench(receiver, "a")
    bench.turns(1)
    receiver.faults["a"] = NotDelivered("away")
    bench.clock.step(60)
    assert bench.turns(2) == [1.0, 2.0]
    del receiver.faults["a"]
    assert bench.turns(1) == [0.0]
    receiver.faults["a"] = Refused("answers 400")
    bench.clock.step(60)
    assert bench.turns(1) == [0.0]
    receiver.faults["a"] = NotDelivered("away")
    bench.clock.step(60)
    assert bench.turns(1) == [1.0]
