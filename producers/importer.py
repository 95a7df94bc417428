"""Pictures into the store and the log: read once, hash, look up, keep, and only then say so in an event.

Threads read and write files; one thread decides, looks up and sends. What is in hand is bounded in number and bytes, so
a million files cost no more memory than a thousand, except 100 bytes for each picture imported: its id, so that a
second copy in the same run becomes a further place.
"""

import errno
from collections import deque
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from producers.delivery import Delivery, Sender
from producers.find import Found, Source, Trouble
from producers.hands import Failed, Hands, Keeping, Kept, PictureStore, Postponed, Read, many_hands
from producers.import_events import image_event, place_fact
from producers.known import KnownPictures, Place
from producers.names import place_path
from producers.patience import FIRST_PAUSE_S, Patience, in_full
from producers.reading import GONE
from producers.tally import ImportSummary, Tally
from schemas.image import location_id
from thumper.clock import Clock
from thumper.errors import DatabaseDown, KafkaDown, Retriable, StoreDown

# A pulled card may go on answering its folder from memory while every file fails.
MAX_DEVICE_ERRORS = 20
_DEVICE = {errno.EIO, errno.ENODEV, errno.ENXIO}
# Copies whose first is still on its way: they wait in memory.
MAX_COPIES = 1_000
WAIT_S = 0.1

# Thousands of pictures share a place, and its id is a hash.
_place_id = lru_cache(maxsize=1_024)(location_id)


class Report(Protocol):
    """Who is told what happens."""

    def say(self, line: str) -> None:
        """One line for the log of the run."""
        ...

    def progress(self, done: int, read_bytes: int) -> None:
        """How many pictures are settled; called often."""
        ...


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What to do. in_place: emit without copying. patience_s: how long store, database or Kafka may be away.

    even_removed: import what somebody has removed, too.
    """

    sources: tuple[Source, ...]
    import_id: str
    in_place: bool = False
    dry_run: bool = False
    max_picture_bytes: int = 200_000_000
    reserve_bytes: int = 0
    threads: int = 4
    patience_s: float = 300.0
    even_removed: bool = False


@dataclass(frozen=True, slots=True)
class ImportParts:
    """What it is done with. again: called when the database is back, to take the import's lock again."""

    store: PictureStore
    sender: Sender
    known: KnownPictures
    clock: Clock
    stopped: Callable[[], bool]
    again: Callable[[], object] = lambda: None


def run_import(
    plan: ImportPlan, parts: ImportParts, report: Report, pictures: Iterable[Found | Trouble]
) -> ImportSummary:
    """Import `pictures`. Never raises for a file, a card, a store or a broker: the summary says what happened."""
    start_s = parts.clock.now_s()
    keeping = Keeping(
        parts.store, plan.in_place, plan.dry_run, plan.reserve_bytes, plan.max_picture_bytes, plan.even_removed
    )
    with many_hands(keeping, plan.threads) as hands:
        run = _Run(plan, parts, report, hands)
        run.all(pictures)
    run.tally.summary.seconds = parts.clock.now_s() - start_s
    return run.tally.summary


class _Run:
    """One import, in one thread."""

    def __init__(self, plan: ImportPlan, parts: ImportParts, report: Report, hands: Hands) -> None:
        self.tally = Tally(self._through)
        self._plan = plan
        self._parts = parts
        self._report = report
        self._hands = hands
        self._patience = Patience(parts.clock, self._ended, report.say, plan.patience_s)
        self._delivery = Delivery(parts.sender, self._patience)
        # Pictures on their way into the log, with the copies that wait for them; then those that arrived.
        self._flying: dict[int, list[Found]] = {}
        self._copies = 0
        self._arrived: set[int] = set()
        self._places: deque[tuple[UUID, Found]] = deque()
        self._store_away_s: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._device_errors = 0

    def all(self, pictures: Iterable[Found | Trouble]) -> None:
        """The whole run."""
        done = False
        try:
            done = self._take_all(pictures)
            while self._hands.busy:
                self._step()
        except Retriable as error:
            self._stop(error)
        self._deliver_the_rest()
        self.tally.summary.interrupted = self._parts.stopped() and not done

    def _take_all(self, pictures: Iterable[Found | Trouble]) -> bool:
        """False if it ended before the last one."""
        for item in pictures:
            if self._ended():
                self._hands.hurry()
                return False
            if isinstance(item, Found):
                while not self._hands.has_room(item.size_bytes):
                    self._hands.hurry()
                    self._step()
                self.tally.taken(item)
                self._hands.read(item)
            elif not self._is_gone(item.number):
                self.tally.complain(item.path, item.reason)
        self._hands.hurry()
        self.tally.all_passed()
        return not self._ended()

    def _step(self) -> None:
        """Wait for an answer of the threads, and act on all that are there."""
        reads: list[Read] = []
        postponed: list[Postponed] = []
        for answer in self._hands.answers(WAIT_S):
            if isinstance(answer, Read):
                reads.append(answer)
            elif isinstance(answer, Kept):
                self._kept(answer)
            elif isinstance(answer, Failed):
                self._failed(answer)
            else:
                postponed.append(answer)
        self._decide(reads)
        self._postpone(postponed)
        self._delivery.poll()
        if self._copies > MAX_COPIES:
            self._delivery.drain()
        self._send_places()
        self._report.progress(self.tally.summary.settled, self.tally.summary.read_bytes)

    def _decide(self, reads: list[Read]) -> None:
        """What each picture is: new, known here, known elsewhere, a copy of one that is on its way, or removed."""
        unknown = [read for read in reads if read.id.int not in self._flying and read.id.int not in self._arrived]
        places = self._look_up(unknown) if unknown else {}
        removed = self._removed([read.id for read in unknown if read.id not in places])
        new: list[Read] = []
        for read in reads:
            self._device_errors = 0
            self.tally.summary.read_bytes += len(read.data)
            key, here = read.id.int, (_place_id(read.found.location), read.found.name)
            if key in self._flying:
                self._flying[key].append(read.found)
                self._copies += 1
            elif here in places.get(read.id, ()):
                self.tally.known(read.found)
            elif key in self._arrived or read.id in places:
                self._places.append((read.id, read.found))
            elif read.id in removed:
                self.tally.removed(read.found)
            else:
                self._flying[key] = []
                new.append(read)
                continue
            self._hands.let_go(read.found)
        self._hands.keep(new)

    def _look_up(self, reads: list[Read]) -> dict[UUID, set[Place]]:
        """Ask the database, patiently. Raises DatabaseDown when patience ends."""
        ids = [read.id for read in reads]
        return dict(self._patience.retry(lambda: self._parts.known.places(ids), DatabaseDown, self._parts.again))

    def _removed(self, ids: list[UUID]) -> Set[UUID]:
        if not ids or self._plan.even_removed:
            return frozenset()
        return self._patience.retry(lambda: self._parts.known.removed(ids), DatabaseDown, self._parts.again)

    def _kept(self, kept: Kept) -> None:
        self._store_away_s, self._pause_s = None, FIRST_PAUSE_S
        found, image = kept.read.found, kept.read.id
        source = kept.metadata.captured.source if kept.metadata.captured else None
        self._hands.let_go(found)

        def arrived() -> None:
            self._arrived.add(image.int)
            self.tally.imported(found, source)
            self._places.extend((image, copy) for copy in self._no_longer_flying(image))

        if self._plan.dry_run:
            arrived()
        else:
            self._delivery.send("images", image_event(kept, self._plan.import_id, self._parts.clock.wall()), arrived)

    def _failed(self, failed: Failed) -> None:
        self._hands.let_go(failed.found)
        copies = self._no_longer_flying(failed.id) if failed.id else []
        if not self._is_gone(failed.number):
            for found in (failed.found, *copies):
                self.tally.unreadable(found, failed.reason)

    def _postpone(self, postponed: list[Postponed]) -> None:
        """The store is away: one pause for all, then the same again; gives up when patience ends."""
        if not postponed:
            return
        error = postponed[0].error
        if self._store_away_s is None:
            self._store_away_s = self._parts.clock.now_s()
        if self._ended() or self._patience.is_over(self._store_away_s, self._pause_s):
            for one in postponed:
                self._hands.let_go(one.read.found)
                self._no_longer_flying(one.read.id)
            self._stop(error)
            return
        self._pause_s = self._patience.pause(error, self._pause_s)
        self._hands.keep([one.read for one in postponed])

    def _no_longer_flying(self, image: UUID) -> list[Found]:
        copies = self._flying.pop(image.int)
        self._copies -= len(copies)
        return copies

    def _send_places(self) -> None:
        while self._places:
            image, found = self._places.popleft()
            if self._plan.dry_run:
                self.tally.further_place(found)
            else:
                fact = place_fact(image, found, self._plan.import_id, self._parts.clock.wall())
                self._delivery.send("facts", fact, lambda at=found: self.tally.further_place(at))  # type: ignore[misc]

    def _deliver_the_rest(self) -> None:
        """Until nothing that arrives brings further work."""
        try:
            self._delivery.drain()
            while self._places:
                self._send_places()
                self._delivery.drain()
        except KafkaDown as error:
            self._stop(error)
        self.tally.summary.not_in_log = self._delivery.waiting

    def _ended(self) -> bool:
        return self._parts.stopped() or self.tally.summary.stopped_because is not None

    def _stop(self, error: Retriable) -> None:
        if self.tally.summary.stopped_because is None and not self._parts.stopped():
            self.tally.summary.stopped_because = in_full(error)
            self._report.say(f"[ERROR] {in_full(error)}")

    def _is_gone(self, number: int) -> bool:
        """Whether the whole card is gone, and not just one file of it."""
        if number not in GONE:
            return False
        self._device_errors += number in _DEVICE
        gone = [source for source in self._plan.sources if not source.is_there()]
        if gone or self._device_errors >= MAX_DEVICE_ERRORS:
            folder = place_path((gone or self._plan.sources)[0].folder)
            self._stop(StoreDown(f"{folder} has gone away: was the card pulled out?"))
        return bool(gone)

    def _through(self, location: str) -> None:
        if not (self._plan.dry_run or self._ended()):
            words = "Registered images in place" if self._plan.in_place else "Copied images"
            self._report.say(f"[OK] {words} for {location}")
