"""A stopped group set back to the start of topics, as any Kafka client may: this is what a replay is."""

from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicPartition

from benchmarks.parts import PATIENCE_S
from benchmarks.turns import SideFailed
from thumper.clock import SystemClock
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_offsets_reader
from thumper.lag import LagReader
from thumper.settings import Settings


def rewind(settings: Settings, group: str, topics: Sequence[str], lags: LagReader) -> None:
    """Waits until the group's last member is gone for the broker too. Raises SideFailed if somebody stays in it."""
    name = Names(settings)
    places = [TopicPartition(name.topic(part.topic), part.number, at) for part, at in lags.starts(topics).items()]
    member = make_offsets_reader(settings, group)

    def done() -> bool:
        try:
            member.commit(offsets=places, asynchronous=False)
        except KafkaException:
            return False
        return True

    try:
        if not wait_until(done, SystemClock(), PATIENCE_S):
            raise SideFailed(f"the group {group} cannot be set back: somebody else is in it")
    finally:
        member.close()
