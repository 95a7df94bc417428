"""Committers with a bug. Each docstring says the bug."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from confluent_kafka import Consumer, TopicPartition

from tests.faults.hooks import HookedTransactions
from tests.faults.orders import Orders
from thumper.errors import Rewind
from thumper.kafka import Names, make_producer
from thumper.record import Done, Partition
from thumper.settings import Settings


class LastOffsetOnly(HookedTransactions):
    """Of a batch over several partitions, the offset of one is committed."""

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        super().commit(done, dict(list(offsets.items())[-1:]))


class NoRewind(HookedTransactions):
    """An aborted transaction counts as done: the batch is not read again."""

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        with suppress(Rewind):
            super().commit(done, offsets)


class StaleMetadata(HookedTransactions):
    """The group's metadata is read once; after the next rebalance it is that of a generation long gone."""

    def __init__(self, settings: Settings, name: str, consumer: Consumer, orders: Orders) -> None:
        super().__init__(settings, name, cast("Consumer", _Remembering(consumer)), orders)


class _Remembering:
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._metadata: object = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def consumer_group_metadata(self) -> object:
        self._metadata = self._metadata or self._consumer.consumer_group_metadata()
        return self._metadata


class NoTransactions(HookedTransactions):
    """No bug, but half of the defence is off: outcomes first, acknowledged, then the offsets; as without KIP-98."""

    def open(self) -> None:
        self._plain = make_producer(self._settings)
        self._topics = Names(self._settings)

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        for message in done.outputs:
            self._plain.produce(self._topics.topic(message.topic), key=message.key, value=message.value)
        assert not self._plain.flush(10)
        if done.outputs:
            self._orders.pass_by("after_flush")
        places = [TopicPartition(self._topics.topic(at.topic), at.number, offset) for at, offset in offsets.items()]
        if places:
            self._consumer.commit(offsets=places, asynchronous=False)
