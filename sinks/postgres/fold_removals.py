"""Removals to rows, and when events said what of which picture. Pure."""

from collections.abc import Iterable

from schemas.detection import DetectionCompleted, DetectionFailed
from schemas.envelope import Event
from schemas.fact import CorrectionMade, ImageRemoved, PlaceSeen
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from sinks.postgres.rows import Position, Rows, newer
from thumper.record import Record
from thumper.removals import Removals


class RemovalFold:
    """The newest removal of each picture in a batch."""

    def __init__(self, items: Iterable[tuple[Record, Event | None]]) -> None:
        self._newest: dict[str, Position] = {}
        for record, event in items:
            if isinstance(event, ImageRemoved):
                at = Position(record.partition.number, record.offset, record.timestamp_ms)
                key = str(event.image_id)
                if key not in self._newest or newer(at, self._newest[key]):
                    self._newest[key] = at

    def with_those(self, removals: Removals) -> Removals:
        """These and `removals`; of one picture the later."""
        found = {key: at.ms for key, at in self._newest.items()}
        return found | {key: max(ms, found.get(key, ms)) for key, ms in removals.items()}

    def fill(self, rows: Rows) -> None:
        """Add the rows of `removed`."""
        rows.removed.extend((key, *self._newest[key]) for key in sorted(self._newest))


def said_of(at: Position, event: Event | None) -> tuple[str, int] | None:
    """Of which picture `event` says something, and when (broker's time); None if of none."""
    if isinstance(event, DetectionCompleted | DetectionFailed):
        return str(event.image_id), event.origin.timestamp_ms
    if isinstance(event, ImageImported | ProcessingRequested):
        return str(event.image), at.ms
    if isinstance(event, PlaceSeen | CorrectionMade):
        return str(event.image_id), at.ms
    return None
