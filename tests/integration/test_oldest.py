"""The age of the oldest unfinished event, from real logs: with transaction markers, aborted events, and no answer."""

import os
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition

from tests.api.world import settled
from thumper.clock import SystemClock
from thumper.kafka import Names, make_producer, make_reader, make_transactional_producer
from thumper.lag import LagReader
from thumper.oldest import OldestReader
from thumper.record import Partition
from thumper.settings import Settings
from thumper.topics import ensure_topics

CLOCK = SystemClock()


class Log:
    """Two topics, and what was written to them."""

    def __init__(self, settings: Settings) -> None:
        ensure_topics(settings)
        self.settings = settings
        self.lags: LagReader = settled(settings)
        self._names = Names(settings)
        self._producer: Producer = make_producer(settings)
        self._transactions: Producer = make_transactional_producer(settings, "one")
        self._transactions.init_transactions(20)

    def image(self, partition: int, count: int = 1) -> None:
        """Events that cannot be compressed."""
        for _ in range(count):
            self._producer.produce(self._names.topic("images"), os.urandom(400), partition=partition)
        self._producer.flush(20)

    def outcome(self, partition: int, *, commit: bool = True) -> None:
        """One event and the marker behind it."""
        self._transactions.begin_transaction()
        self._transactions.produce(self._names.topic("detections"), b"{}", partition=partition)
        self._transactions.flush(20)
        (self._transactions.commit_transaction if commit else self._transactions.abort_transaction)(20)

    def times(self, part: Partition) -> dict[int, int]:
        """The broker's time of each committed event by its offset, read in the ordinary way."""
        end, found = self.lags.ends([part.topic])[part], dict[int, int]()
        place = TopicPartition(self._names.topic(part.topic), part.number, 0)
        reader = make_reader(self.settings)
        reader.assign([place])
        while reader.position([place])[0].offset < end:
            message = reader.poll(0.2)
            if message is not None and message.error() is None:
                found[message.offset() or 0] = message.timestamp()[1]
        reader.close()
        return found


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    found = Log(settings)
    yield found
    found.lags.close()


@pytest.fixture
def oldest(settings: Settings) -> Iterator[OldestReader]:
    reader = OldestReader(settings, CLOCK, timeout_s=20.0)
    yield reader
    reader.close()


def test_each_partition_by_the_event_at_its_offset_and_again_after_it_has_moved(log: Log, oldest: OldestReader) -> None:
    one, two = Partition("images", 1), Partition("images", 2)
    log.image(1, 400)
    log.image(2)
    times = log.times(one)
    assert oldest.read({one: 0, two: 0}) == {one: times[0], two: log.times(two)[0]}
    assert oldest.read({one: 399}) == {one: times[399]}
    assert oldest.read({one: 150}) == {one: times[150]}


def test_large_batches_of_many_partitions_do_not_keep_each_other_waiting(settings: Settings) -> None:
    """Of batches larger than what is asked for the broker sends one at a time: all must have their turn, and soon."""
    many = Log(settings.model_copy(update={"partitions": 64}))
    parts = [Partition("images", number) for number in range(64)]
    for part in parts:
        many.image(part.number, 500)
    oldest = OldestReader(many.settings, CLOCK, timeout_s=20.0)
    found = oldest.read(dict.fromkeys(parts, 0))
    assert set(found) == set(parts)
    assert {part: found[part] for part in parts[::16]} == {part: many.times(part)[0] for part in parts[::16]}
    oldest.close()
    many.lags.close()


def test_markers_and_aborted_events_are_no_events(log: Log, oldest: OldestReader) -> None:
    part = Partition("detections", 0)
    log.outcome(0)
    assert oldest.read({part: 0}) == {part: log.times(part)[0]}
    assert oldest.read({part: 1}) == {part: None}, "only the marker is left"
    log.outcome(0, commit=False)
    assert oldest.read({part: 1}) == {part: None}, "the aborted event was never one"
    log.outcome(0)
    assert oldest.read({part: 1}) == {part: log.times(part)[4]}


def test_nothing_is_asked_for_and_an_end_is_said(log: Log, oldest: OldestReader) -> None:
    log.image(0)
    assert oldest.read({}) == {}
    assert oldest.read({Partition("images", 0): 1, Partition("images", 3): 0}) == {
        Partition("images", 0): None,
        Partition("images", 3): None,
    }


def test_who_does_not_answer_is_left_out(settings: Settings) -> None:
    away = OldestReader(settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}), CLOCK, timeout_s=0.3)
    assert away.read({Partition("images", 0): 0}) == {}
    away.close()


def test_members_are_those_that_the_broker_knows(log: Log) -> None:
    assert log.lags.members("nobody") == 0
