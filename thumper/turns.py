"""Topics take turns while several have work, so that none waits for all of another."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from thumper.clock import Clock
from thumper.record import Partition, Record
from thumper.source import Listener, Source
from thumper.wishes import Wanted

# Records of one topic before another has its turn. A client that stops delivering a topic throws away what it has
# fetched of it, so a turn is some batches long: with two topics, each has half of any four hundred records.
TURN_RECORDS = 64
# Whose turn it is is looked at this often: a question to the client for each partition.
LOOK_S = 0.1


class Turns:
    """Which topics are to deliver nothing for now; pure. One that alone has work is never kept waiting."""

    def __init__(self, topics: Sequence[str], records: int = TURN_RECORDS) -> None:
        self._topics = tuple(topics)
        self._records = records
        self._turn = self._topics[0]
        self._taken = 0

    def taken(self, topic: str) -> None:
        """A record of `topic` was delivered."""
        if topic == self._turn:
            self._taken += 1

    def held(self, behind: Mapping[str, int]) -> Collection[str]:
        """The topics that wait for their turn. behind: per topic the records that are there and were not delivered."""
        waiting = [topic for topic in self._topics if behind.get(topic, 0) > 0]
        if len(waiting) < 2:
            self._taken = 0
            return frozenset()
        if self._turn not in waiting or self._taken >= self._records:
            self._turn = self._next(waiting)
            self._taken = 0
        return frozenset(waiting) - {self._turn}

    def _next(self, waiting: Collection[str]) -> str:
        at = self._topics.index(self._turn)
        return next(topic for topic in (*self._topics[at + 1 :], *self._topics[: at + 1]) if topic in waiting)


class SourceInTurns:
    """A source whose topics take turns; all else is as in the source within. See Source."""

    def __init__(self, source: Source, turns: Turns, clock: Clock) -> None:
        self._source = source
        self._turns = turns
        self._clock = clock
        self._waiting: Collection[str] = frozenset()
        self._held: set[Partition] = set()
        self._look_s = 0.0

    def open(self, listener: Listener) -> None:
        """See Source."""
        self._source.open(listener)

    def take(self, most: int, wait_s: float) -> list[Record]:
        """See Source."""
        now_s = self._clock.now_s()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._look()
        records = self._source.take(most, wait_s)
        for record in records:
            self._turns.taken(record.partition.topic)
        return records

    def positions(self) -> dict[Partition, int]:
        """See Source."""
        return self._source.positions()

    def behind(self) -> dict[Partition, int]:
        """See Source."""
        return self._source.behind()

    def rewind(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """See Source."""
        return self._source.rewind(partitions)

    def hold(self, partitions: Iterable[Partition]) -> None:
        """See Source."""
        wanted = set(partitions)
        self._held |= wanted
        self._source.hold(wanted)

    def release(self, partitions: Iterable[Partition]) -> None:
        """See Source. Those whose topic waits for its turn go on waiting for that."""
        wanted = set(partitions)
        self._held -= wanted
        self._source.release(part for part in wanted if part.topic not in self._waiting)

    def leave(self) -> None:
        """See Source."""
        self._source.leave()

    def wanted(self) -> Wanted:
        """See Source."""
        return self._source.wanted()

    def joined(self) -> bool:
        """See Source."""
        return self._source.joined()

    def close(self) -> None:
        """See Source."""
        self._source.close()

    def _look(self) -> None:
        behind = self._source.behind()
        self._held &= behind.keys()
        work = Counter[str]()
        for part, count in behind.items():
            work[part.topic] += count if part not in self._held else 0
        waiting = self._turns.held(work)
        if waiting != self._waiting:
            self._waiting = waiting
            self._source.hold(part for part in behind if part.topic in waiting)
            self._source.release(part for part in behind if part.topic not in waiting and part not in self._held)
