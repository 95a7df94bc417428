"""Parts of an import made by hand: a store in a dictionary, a broker that can be away, tables that know pictures."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from producers.known import Place
from schemas.codec import encode
from schemas.envelope import Event
from schemas.fact import PlaceSeen
from schemas.image import ImageImported, location_id
from thumper.claim import store_uri
from thumper.errors import DatabaseDown, KafkaDown, StoreDown
from thumper.record import Partition


class MemoryStore:
    """Keeps bytes by address; fails the next `failing` puts."""

    def __init__(self, free: int | None = None, failing: int = 0) -> None:
        self.kept: dict[str, bytes] = {}
        self.failing = failing
        self.readmitted: list[str] = []
        self._free = free
        self._lock = threading.Lock()

    def put(self, data: bytes, sha256: str, suffix: str) -> str:
        with self._lock:
            if self.failing:
                self.failing -= 1
                raise StoreDown("the disk is full")
            uri = store_uri(sha256, suffix)
            self.kept[uri] = data
        return uri

    def in_place_uri(self, path: bytes) -> str:
        return "file://" + path.decode()

    def readmit(self, uri: str) -> None:
        self.readmitted.append(uri)

    def free_bytes(self) -> int | None:
        return None if self._free is None else self._free - sum(map(len, self.kept.values()))


class MemoryBroker:
    """A log that acknowledges on poll and flush. `away`: so many calls fail first; `refusing`: so many events."""

    def __init__(self, away: int = 0, refusing: int = 0) -> None:
        self.log: list[tuple[str, Event]] = []
        self.away = away
        self.refusing = refusing
        self._waiting: list[tuple[str, Event, Callable[[str | None], None] | None]] = []

    def emit(self, topic: str, event: Event, on_ack: Callable[[str | None], None] | None = None) -> None:
        self._reachable()
        encode(event)
        self._waiting.append((topic, event, on_ack))

    def poll(self) -> None:
        waiting, self._waiting = self._waiting, []
        for topic, event, on_ack in waiting:
            refused = self.refusing > 0
            self.refusing -= refused
            if not refused:
                self.log.append((topic, event))
            if on_ack is not None:
                on_ack("timed out" if refused else None)

    def flush(self, timeout_s: float) -> None:
        self._reachable()
        self.poll()

    def images(self) -> list[ImageImported]:
        return [event for _, event in self.log if isinstance(event, ImageImported)]

    def places(self) -> list[PlaceSeen]:
        return [event for _, event in self.log if isinstance(event, PlaceSeen)]

    def _reachable(self) -> None:
        if self.away:
            self.away -= 1
            raise KafkaDown("Kafka does not answer")


class MemoryTables:
    """What a sink would have recorded of a broker's log; fails the next `failing` look-ups."""

    def __init__(self, events: Iterable[Event] = (), failing: int = 0) -> None:
        self.known: dict[UUID, set[Place]] = {}
        self.gone: set[UUID] = set()
        self.asked = 0
        self.failing = failing
        self.record(events)

    def record(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, ImageImported):
                self.known.setdefault(event.image, set()).add(_place(event.location, event.path))
            elif isinstance(event, PlaceSeen):
                self.known[event.image_id].add(_place(event.location, event.path))

    def places(self, ids: Sequence[UUID]) -> Mapping[UUID, set[Place]]:
        self.asked += 1
        if self.failing:
            self.failing -= 1
            raise DatabaseDown("PostgreSQL does not answer")
        return {one: self.known[one] for one in ids if one in self.known}

    def removed(self, ids: Sequence[UUID]) -> set[UUID]:
        return self.gone.intersection(ids)


def _place(location: str | None, path: str | None) -> Place:
    return (location_id(location) if location else None, path)


class Lines:
    """A report that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done = 0

    def say(self, line: str) -> None:
        self.said.append(line)

    def progress(self, done: int, read_bytes: int) -> None:
        self.done = done


class FixedLog:
    """Where a log starts and ends, and how far a sink is that records `pace` events at each look."""

    def __init__(self, ends: Mapping[Partition, int], pace: int = 0, starts: int = 0) -> None:
        self._ends = dict(ends)
        self._starts = starts
        self._pace = pace
        self._recorded = dict.fromkeys(ends, starts)

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {at: self._starts for at in self._ends if at.topic in topics}

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {at: end for at, end in self._ends.items() if at.topic in topics}

    def recorded(self, topics: Sequence[str]) -> dict[Partition, int]:
        found = {at: offset for at, offset in self._recorded.items() if offset > 0 and at.topic in topics}
        self._recorded = {at: min(self._ends[at], offset + self._pace) for at, offset in self._recorded.items()}
        return found
