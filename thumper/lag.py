"""How far a consumer group is behind: read from the broker, never guessed."""

from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec

from thumper.clock import Clock, SystemClock
from thumper.errors import KafkaDown
from thumper.kafka import COORDINATOR_COMES, Names, committed_offsets, make_admin, make_offsets_reader
from thumper.record import Partition
from thumper.settings import Settings

T = TypeVar("T")
# A group's coordinator is there within so long, even on a cluster that has never had one.
COORDINATOR_S = 30.0


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """start: the log's first offset; committed: None if the group never committed; end: the last stable offset."""

    partition: Partition
    start: int
    committed: int | None
    end: int

    @property
    def position(self) -> int:
        """Where the group stands: its committed offset, or the log's start before it has ever committed."""
        return self.start if self.committed is None else self.committed

    @property
    def lag(self) -> int:
        """Offsets still to be consumed; never negative."""
        return max(0, self.end - max(self.position, self.start))


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One reading of one group. read_at_s: monotonic."""

    group: str
    partitions: tuple[PartitionLag, ...]
    read_at_s: float

    @property
    def lag(self) -> int:
        """The sum over all partitions."""
        return sum(partition.lag for partition in self.partitions)


class LagReader:
    """Reads positions and ends. For any thread. Every method raises KafkaDown when the broker does not answer."""

    def __init__(self, settings: Settings, clock: Clock | None = None, timeout_s: float = 5.0) -> None:
        self._settings = settings
        self._admin = make_admin(settings)
        self._readers: dict[str, Consumer] = {}
        self._lock = Lock()
        self._names = Names(settings)
        self._clock = clock or SystemClock()
        self._timeout_s = timeout_s

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        """Lag of `group` on `topics` (own names). Positions are read before ends, so that lag errs to the high side."""
        committed = self.committed(group, topics)
        starts, ends = self.starts(topics), self.ends(topics)
        found = [PartitionLag(part, starts[part], committed.get(part), ends[part]) for part in sorted(ends)]
        return GroupLag(group, tuple(found), self._clock.now_s())

    def committed(self, group: str, topics: Sequence[str]) -> dict[Partition, int]:
        """The group's committed offsets on `topics`; partitions without one are left out."""
        asked = [
            TopicPartition(self._names.topic(topic), number)
            for topic in topics
            for number in range(self._partition_count(topic))
        ]
        try:
            answer = committed_offsets(self._offsets_reader(group), asked, self._timeout_s, self._clock)
        except KafkaException as error:
            raise _down(error) from None
        return {
            Partition(self._names.own(place.topic), place.partition): place.offset
            for place in answer
            if place.offset >= 0
        }

    def close(self) -> None:
        """Release the clients."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _offsets_reader(self, group: str) -> Consumer:
        with self._lock:
            if group not in self._readers:
                self._readers[group] = make_offsets_reader(self._settings, group)
            return self._readers[group]

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The first offset of each partition of `topics`."""
        return self._list(topics, OffsetSpec.earliest())

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The last stable offset of each partition of `topics`: what a read-committed reader can reach."""
        return self._list(topics, OffsetSpec.latest())

    def at_time(self, topics: Sequence[str], at_ms: int) -> dict[Partition, int]:
        """The first offset of each partition of `topics` whose broker's time is `at_ms` or later; its end if none is.

        at_ms: milliseconds since 1970, UTC.
        """
        ends = self.ends(topics)
        found = self._list(topics, OffsetSpec.for_timestamp(at_ms))
        return {part: offset if offset >= 0 else ends[part] for part, offset in found.items()}

    def high_waters(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The end of each partition of `topics`, open transactions included."""
        return self._list(topics, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)

    def members(self, group: str) -> int:
        """How many members `group` has now; 0 for a group that the broker has not heard of."""
        name = self._names.group(group)
        until_s = self._clock.now_s() + COORDINATOR_S
        while True:
            future = self._admin.describe_consumer_groups([name], request_timeout=self._timeout_s)[name]
            try:
                return len(future.result(self._timeout_s).members)
            except KafkaException as error:
                # A cluster that has never had a group makes its book of offsets now.
                comes = error.args[0].code() in COORDINATOR_COMES or error.args[0].retriable()
                if not comes or self._clock.now_s() > until_s:
                    raise _down(error) from None
            except FutureTimeoutError:
                raise self._silent() from None
            self._clock.sleep(0.1)

    def topic_identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The cluster's id, and the id of each of `topics`: which log this is."""
        wanted = TopicCollection([self._names.topic(name) for name in topics])
        futures = self._admin.describe_topics(wanted, request_timeout=self._timeout_s)
        ids = {self._names.own(name): str(self._wait(future).topic_id) for name, future in futures.items()}
        cluster = self._wait(self._admin.describe_cluster(request_timeout=self._timeout_s))
        return str(cluster.cluster_id), ids

    def _list(
        self, topics: Sequence[str], spec: OffsetSpec, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
    ) -> dict[Partition, int]:
        asked = {
            TopicPartition(self._names.topic(topic), number): spec
            for topic in topics
            for number in range(self._partition_count(topic))
        }
        futures = self._admin.list_offsets(asked, isolation_level=isolation, request_timeout=self._timeout_s)
        return {
            Partition(self._names.own(part.topic), part.partition): self._wait(future).offset
            for part, future in futures.items()
        }

    def _partition_count(self, topic: str) -> int:
        name = self._names.topic(topic)
        try:
            found = self._admin.list_topics(name, timeout=self._timeout_s).topics[name]
        except KafkaException as error:
            raise _down(error) from None
        if found.error is not None:
            raise KafkaDown(f"topic {name}: {found.error.str()}", "`thumper check` says which topics are missing")
        return len(found.partitions)

    def _wait(self, future: "Future[T]") -> T:
        try:
            return future.result(self._timeout_s)
        except KafkaException as error:
            raise _down(error) from None
        except FutureTimeoutError:
            raise self._silent() from None

    def _silent(self) -> KafkaDown:
        return KafkaDown(f"Kafka has not answered within {self._timeout_s:.0f} s", "is it running? `thumper check`")


def _down(error: KafkaException) -> KafkaDown:
    cause = error.args[0]
    if cause.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return KafkaDown(f"Kafka does not say: {cause.str()}", "the user may not read this")
    return KafkaDown(f"Kafka does not answer: {cause.str()}", "is it running? `thumper check`")
