"""What an import has done so far: counts, complaints, and which locations are through."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from producers.find import Found, Skipped
from producers.names import MAX_PATH_CHARS, display, shortened
from schemas.image import CapturedAtSource

# More complaints than this are counted and not listed.
LISTED = 50


@dataclass(frozen=True, slots=True)
class Complaint:
    """A file that was not imported, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class ImportSummary:
    """What an import did. Every picture found is imported, known, a further place, removed, unreadable, or not_in_log.

    imported: pictures whose event the broker has acknowledged (dry run: would be imported).
    known: pictures that were recorded at this very place before. further_places: known pictures at a new place.
    removed: pictures that somebody has removed, and that are not imported again.
    not_in_log: copied, but without acknowledgement; the next import sends them.
    stopped_because: what ended it early, other than the user.
    """

    found: int = 0
    found_bytes: int = 0
    imported: int = 0
    imported_bytes: int = 0
    known: int = 0
    further_places: int = 0
    removed: int = 0
    unreadable: int = 0
    not_in_log: int = 0
    exif_times: int = 0
    filename_times: int = 0
    read_bytes: int = 0
    seconds: float = 0.0
    locations: Counter[str] = field(default_factory=Counter)
    complaints: list[Complaint] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    interrupted: bool = False
    stopped_because: str | None = None

    @property
    def settled(self) -> int:
        """Pictures of which nothing is left to do."""
        return self.imported + self.known + self.further_places + self.removed + self.unreadable

    @property
    def exit_code(self) -> int:
        """0 all done; 1 done, with complaints; 3 something needed went away; 130 interrupted."""
        if self.stopped_because is not None:
            return 3
        if self.interrupted:
            return 130
        return 1 if self.unreadable or self.not_in_log else 0

    def add(self, other: "ImportSummary") -> None:
        """Take a further round's counts in."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.locations.update(other.locations)
        self.complaints.extend(other.complaints[: LISTED - len(self.complaints)])
        self.skipped = other.skipped
        self.interrupted = other.interrupted
        self.stopped_because = other.stopped_because


_COUNTS = tuple(item.name for item in fields(ImportSummary) if item.type in (int, float))


class Tally:
    """Keeps an ImportSummary, and says when a location is through: passed by the finder, and nothing of it in hand."""

    def __init__(self, through: Callable[[str], None]) -> None:
        self.summary = ImportSummary()
        self._through = through
        self._in_hand: Counter[str] = Counter()
        self._passed: set[str] = set()
        self._current: str | None = None

    def taken(self, found: Found) -> None:
        """A picture was taken in hand."""
        if found.location != self._current:
            self.all_passed()
            self._current = found.location
            self._passed.discard(found.location)
        self._in_hand[found.location] += 1

    def all_passed(self) -> None:
        """The finder has left the current location."""
        if self._current is not None:
            self._passed.add(self._current)
            self._settle(self._current, 0)
            self._current = None

    def imported(self, found: Found, time_source: CapturedAtSource | None) -> None:
        """Its event is in the log."""
        self.summary.imported += 1
        self.summary.imported_bytes += found.size_bytes
        self.summary.exif_times += time_source == "exif"
        self.summary.filename_times += time_source == "filename"
        self.summary.locations[found.location] += 1
        self._settle(found.location)

    def known(self, found: Found) -> None:
        """It was recorded at this place before."""
        self.summary.known += 1
        self._settle(found.location)

    def further_place(self, found: Found) -> None:
        """A fact says that the known picture was seen here too."""
        self.summary.further_places += 1
        self._settle(found.location)

    def removed(self, found: Found) -> None:
        """It was removed once, and stays out."""
        self.summary.removed += 1
        self._settle(found.location)

    def unreadable(self, found: Found, reason: str) -> None:
        """It cannot be imported."""
        self.complain(found.path, reason)
        self._settle(found.location)

    def complain(self, path: bytes, reason: str) -> None:
        """Something that was never taken in hand cannot be imported."""
        self.summary.unreadable += 1
        if len(self.summary.complaints) < LISTED:
            self.summary.complaints.append(Complaint(shortened(display(path), MAX_PATH_CHARS), reason))

    def _settle(self, location: str, by: int = 1) -> None:
        self._in_hand[location] -= by
        if self._in_hand[location] <= 0 and location in self._passed:
            self._passed.discard(location)
            del self._in_hand[location]
            self._through(location)
