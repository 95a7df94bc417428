"""`images` against the image rows: every event its row, every row its event.

Both are streamed in the order of the log. An event that no row stands at was followed by another of the same picture,
or is missed: that is asked of the tables, some thousands at a time. So memory does not grow with pictures.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from thumper.audit.excuses import Excuses
from thumper.audit.findings import Findings
from thumper.audit.lean import Announcement, picture_of, read_announcement
from thumper.audit.log import Item
from thumper.audit.ordered import Ordered, Place
from thumper.record import Partition
from thumper.removals import Removals, is_void

AT_ONCE = 5_000
SINK = "sink"


class Sighting(NamedTuple):
    """An event that no row stands at."""

    image_id: str
    partition: int
    offset: int
    ms: int


class Suspect(NamedTuple):
    """One that the tables do not account for. absent: its picture has no row at all."""

    partition: int
    offset: int
    image_id: str
    absent: bool


class PictureRows(NamedTuple):
    """Image rows by the place of their newest event; by their first, where that is another; and a question to them."""

    newest: Iterable[tuple[Place, Any]]
    first: Iterable[tuple[Place, Any]]
    suspects: Callable[[Sequence[Sighting]], Iterable[Suspect]]


class Removed(NamedTuple):
    """Removals by picture. named: is told each address that counts, by whom and for which hash; voided: the others."""

    times: Removals
    named: Callable[[str, Place, str], None]
    voided: Callable[[str], None]


class Pictures:
    """Takes the events of `images` in the order of the log."""

    def __init__(
        self,
        rows: PictureRows,
        recorded: Mapping[Partition, int],
        findings: Findings,
        excuses: Excuses,
        removals: Removed,
    ) -> None:
        self._newest: Ordered[Any] = Ordered(rows.newest, self._orphan)
        self._first: Ordered[Any] = Ordered(rows.first, self._orphan)
        self._suspects = rows.suspects
        self._recorded = {part.number: offset for part, offset in recorded.items() if part.topic == "images"}
        self._findings = findings
        self._excuses = excuses
        self._removals = removals
        self._unmatched: list[Sighting] = []

    def take(self, partition: int, item: Item) -> None:
        """The next event."""
        place = (partition, item.offset)
        self._findings.counted["events in images"] += 1
        row, first = self._newest.at(place), self._first.at(place)
        event = read_announcement(item.value)
        picture = None if event is None else picture_of(event)
        if event is None or picture is None:
            if event is not None:
                self._removals.named(event["uri"], place, event["sha256"])
            self._unreadable(place, row or first)
            return
        if is_void(self._removals.times, picture, item.ms):
            self._void(place, picture, event, row or first)
            return
        self._removals.named(event["uri"], place, event["sha256"])
        if item.offset >= self._recorded.get(partition, 0):
            if row is None:
                self._findings.in_flight["pictures not recorded yet"] += 1
                return
            self._findings.add("recorded_behind", "images {} at offset {} (picture {})", *place, picture)
        self._compare(place, picture, event, row, first)
        if row is None or row.image_id != picture:
            self._unmatched.append(Sighting(picture, *place, item.ms))
            if len(self._unmatched) >= AT_ONCE:
                self._ask()

    def finish(self) -> None:
        """There are no more events."""
        self._ask()
        self._newest.rest()
        self._first.rest()
        self._findings.counted["pictures in the tables"] += self._newest.count

    def _compare(self, place: Place, picture: str, event: Announcement, row: Any, first: Any) -> None:
        describes = row if row is not None and row.is_first else first
        wrong = row is not None and row.image_id != picture
        if describes is not None:
            told = (picture, event["sha256"], event["uri"])
            wrong = wrong or (describes.image_id, describes.sha256, describes.uri) != told
        if wrong:
            self._findings.add("picture_differs", "images {} at offset {} (picture {})", *place, picture)

    def _void(self, place: Place, picture: str, event: Announcement, row: Any) -> None:
        self._findings.noted["events of removed pictures"] += 1
        self._removals.voided(event["uri"])
        if row is not None:
            self._findings.add("removed_still_shown", "picture {} (images {} at offset {})", picture, *place)

    def _unreadable(self, place: Place, row: Any) -> None:
        self._findings.noted["events in images that nobody can read"] += 1
        if row is not None:
            self._orphan(place, row)

    def _orphan(self, place: Place, row: Any) -> None:
        self._findings.add("row_without_event", "picture {} (images {} at offset {})", row.image_id, *place)

    def _ask(self) -> None:
        asked, self._unmatched = self._unmatched, []
        suspects = {(one.partition, one.offset): one for one in (self._suspects(asked) if asked else ())}
        for number in sorted({partition for partition, _ in suspects}):
            offsets = sorted(offset for partition, offset in suspects if partition == number)
            for offset in self._excuses.without(SINK, Partition("images", number), offsets):
                one = suspects[number, offset]
                kind = "event_without_row" if one.absent else "older_picture_shown"
                self._findings.add(kind, "images {} at offset {} (picture {})", number, offset, one.image_id)
