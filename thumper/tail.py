"""The newest records of a topic with one partition, read without a group: heartbeats, wanted states."""

from types import TracebackType
from typing import Self

from confluent_kafka import TopicPartition

from thumper.kafka import Names, make_reader
from thumper.record import Partition, Record
from thumper.settings import Settings

# librdkafka's logical offset "n before the end" is this minus n (RD_KAFKA_OFFSET_TAIL_BASE); it is resolved in the
# background, so that opening never waits for a broker that is away.
_TAIL_BASE = -2_000


class Tail:
    """Follows partition 0 of `topic` (own name) from offset `start`, or from `newest` records before its end.

    One thread.
    """

    def __init__(self, settings: Settings, topic: str, newest: int = 1_000, start: int | None = None) -> None:
        self._topic = topic
        self._reader = make_reader(settings)
        first = _TAIL_BASE - newest if start is None else start
        self._reader.assign([TopicPartition(Names(settings).topic(topic), 0, first)])

    def take(self, wait_s: float, most: int = 1_000) -> list[Record]:
        """Up to `most` records; waits at most `wait_s` for the first. A broker that is away looks like silence."""
        first = self._reader.poll(wait_s)
        messages = [] if first is None else [first, *self._reader.consume(most - 1, 0)]
        return [
            Record(
                partition=Partition(self._topic, 0),
                offset=message.offset() or 0,
                value=value.encode() if isinstance(value := message.value(), str) else value,
                timestamp_ms=message.timestamp()[1],
            )
            for message in messages
            if message.error() is None
        ]

    def close(self) -> None:
        """Let the connection go."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
