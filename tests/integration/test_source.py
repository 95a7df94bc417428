"""The source over a real consumer: where it stands when a partition comes back that it has had before."""

from collections.abc import Mapping, Sequence

import pytest
from confluent_kafka import TopicPartition

from tests.processes import CLOCK, eventually
from thumper.emitter import Emitter
from thumper.kafka import Names
from thumper.loss import Loss
from thumper.record import Outgoing, Partition, Record
from thumper.settings import Settings
from thumper.source import KafkaSource
from thumper.topics import ensure_topics

pytestmark = pytest.mark.integration
PLACE = Partition("workers", 0)


class Nobody:
    """A listener that has nothing to say."""

    def assigned(self, starts: Mapping[Partition, int]) -> None: ...

    def revoked(self, partitions: Sequence[Partition]) -> None: ...

    def lost(self, partitions: Sequence[Partition]) -> None: ...

    def gone(self, loss: Loss) -> None: ...

    def accepted(self, loss: Loss, start: int) -> None: ...


def test_a_partition_that_comes_back_stands_where_it_starts_and_not_where_it_stood(settings: Settings) -> None:
    """Else the records that were in hand when it went would be committed without having been finished."""
    ensure_topics(settings)
    with Emitter(settings) as emitter:
        for number in range(5):
            emitter.send(Outgoing("workers", None, str(number).encode()))
        emitter.flush()
    source = KafkaSource(settings, "detector", ["workers"], CLOCK)
    source._listener = Nobody()
    consumer, name = source.consumer, Names(settings).topic("workers")
    for _ in range(40):
        source._on_assign(consumer, [TopicPartition(name, 0)])
        assert source.positions() == {PLACE: 0}
        taken: list[Record] = []

        def all_taken(taken: list[Record] = taken) -> bool:
            taken += source.take(5, 0.2)
            return len(taken) == 5

        eventually(all_taken, "all five are taken")
        assert source.positions() == {PLACE: 5}
        assert source.rewind([PLACE]) == {PLACE: 0}
        assert source.positions() == {PLACE: 0}
        eventually(lambda: len(source.take(5, 0.2)) > 0, "they come again")
        consumer.incremental_unassign([TopicPartition(name, 0)])
        source._on_revoke(consumer, [TopicPartition(name, 0)])
    source.close()
