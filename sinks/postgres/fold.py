"""Events to rows: in a batch the last outcome wins, so that each key is written once. Pure.

Any order and any repetition of the same events, cut into batches in any way, ends in the same rows: fold settles what
is newer within a batch, the guards of the statements settle it against what is in the tables.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import TypeAlias

from schemas.detection import DetectionCompleted, DetectionFailed
from schemas.envelope import Event
from schemas.fact import ImageRemoved
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from sinks.postgres.fold_facts import FactFold
from sinks.postgres.fold_images import ImageFold
from sinks.postgres.fold_outcomes import OutcomeFold, RequestFold
from sinks.postgres.fold_removals import RemovalFold, said_of
from sinks.postgres.places import Places
from sinks.postgres.rows import Position, Row, Rows
from thumper.record import Partition, Record
from thumper.removals import Removals, is_void

# None in place of an event: the record could not be read; it only counts as recorded.
Item: TypeAlias = tuple[Record, Event | None]


def fold(items: Iterable[Item], removals: Removals = MappingProxyType({})) -> Rows:
    """The rows of `items` (topics images, requests, detections and facts), as they are to be written together.

    removals: those in the tables, as far as they are known to touch these pictures.
    """
    items = list(items)
    removed = RemovalFold(items)
    removals = removed.with_those(removals)
    places = Places()
    requests = RequestFold()
    outcomes = OutcomeFold(requests)
    images = ImageFold(places)
    facts = FactFold(places)
    for record, event in items:
        at = Position(record.partition.number, record.offset, record.timestamp_ms)
        if removals and (said := said_of(at, event)) is not None and is_void(removals, *said):
            # A place stays a place: it does not matter who named it first.
            places.named(getattr(event, "location", None))
        elif isinstance(event, DetectionCompleted | DetectionFailed):
            outcomes.add(at, event)
        elif isinstance(event, ImageImported):
            images.add(at, event)
        elif isinstance(event, ProcessingRequested):
            requests.asked(at, event)
        elif event is not None and not isinstance(event, ImageRemoved):
            facts.add(at, event)
    rows = Rows(recorded=_recorded(record for record, _ in items), removals=removals)
    removed.fill(rows)
    outcomes.fill(rows)
    requests.fill(rows)
    images.fill(rows)
    facts.fill(rows)
    places.fill(rows)
    return rows


def _recorded(records: Iterable[Record]) -> list[Row]:
    newest: dict[Partition, tuple[int, int]] = {}
    for record in records:
        offset, ms = newest.get(record.partition, (-1, -1))
        newest[record.partition] = (max(offset, record.offset), max(ms, record.timestamp_ms))
    return [(part.topic, part.number, offset + 1, ms) for part, (offset, ms) in sorted(newest.items())]
