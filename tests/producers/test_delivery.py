"""Sending until acknowledged."""

from collections.abc import Callable

import pytest

from producers.delivery import MAX_WAITING, Delivery
from producers.patience import Patience
from schemas.fact import LocationStated
from tests.producers.fakes import MemoryBroker
from thumper.clock import SteppedClock
from thumper.errors import KafkaDown


def fact(number: int) -> LocationStated:
    return LocationStated(type="location.stated", name=f"place {number}")


class Sent:
    """A delivery to a broker, with what arrived and what was said."""

    def __init__(self, broker: MemoryBroker, stopped: Callable[[], bool] = lambda: False) -> None:
        self.clock = SteppedClock()
        self.said: list[str] = []
        self.arrived: list[int] = []
        self.delivery = Delivery(broker, Patience(self.clock, stopped, self.said.append, limit_s=100.0))

    def send(self, count: int) -> None:
        for number in range(count):
            self.delivery.send("facts", fact(number), lambda at=number: self.arrived.append(at))  # type: ignore[misc]


def test_each_arrives_once() -> None:
    sent = Sent(MemoryBroker())
    sent.send(100)
    assert (sent.delivery.waiting, sent.arrived) == (100, [])
    sent.delivery.drain()
    assert (sent.delivery.waiting, sorted(sent.arrived)) == (0, list(range(100)))


def test_refused_ones_are_sent_again() -> None:
    broker = MemoryBroker(refusing=30)
    sent = Sent(broker)
    sent.send(20)
    sent.delivery.drain()
    assert sorted(sent.arrived) == list(range(20))
    assert len(broker.log) == 20
    assert any("(timed out); sending them again" in line for line in sent.said)


def test_pauses_grow_while_the_broker_is_away() -> None:
    sent = Sent(MemoryBroker(away=5))
    sent.send(1)
    assert sent.clock.now_s() == 0.5 + 1 + 2 + 4 + 8


def test_patience_ends() -> None:
    sent = Sent(MemoryBroker(away=10**9))
    with pytest.raises(KafkaDown):
        sent.send(1)
    assert 80 < sent.clock.now_s() <= 100


def test_patience_is_short_once_the_import_is_to_end() -> None:
    sent = Sent(MemoryBroker(away=10**9), stopped=lambda: True)
    with pytest.raises(KafkaDown):
        sent.send(1)
    assert sent.clock.now_s() <= 10


def test_what_waits_is_bounded() -> None:
    class Slow(MemoryBroker):
        """Acknowledges only when flushed."""

        def poll(self) -> None:
            return

        def flush(self, timeout_s: float) -> None:
            super().poll()

    sent = Sent(Slow())
    sent.send(MAX_WAITING + 1)
    assert len(sent.arrived) == MAX_WAITING
    assert sent.delivery.waiting == 1
