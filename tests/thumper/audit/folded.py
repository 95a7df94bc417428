"""Rows as the sink's own folding makes them from events, and the question that the audit asks of the tables."""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from schemas.codec import decode
from schemas.envelope import Event
from sinks.postgres.fold import fold
from sinks.postgres.rows import COLUMNS, Position, newer
from tests.sinks.events import at
from thumper.audit.excuses import Excuses
from thumper.audit.log import Item, Letters, LogReader
from thumper.audit.ordered import Place
from thumper.audit.outcomes import ResultRows, Waiting
from thumper.audit.pictures import PictureRows, Sighting, Suspect
from thumper.clock import SteppedClock
from thumper.record import Partition, Record
from thumper.settings import Settings

# Partition, broker's time, event.
Said = tuple[int, int, Event]


def logged(topic: str, said: Iterable[Said]) -> list[Record]:
    """The log that comes of these events: in each partition offsets count, and the broker's time never goes back."""
    ends: dict[int, tuple[int, int]] = {}
    found = []
    for partition, asked_ms, event in said:
        offset, before_ms = ends.get(partition, (0, 0))
        ms = max(asked_ms, before_ms)
        ends[partition] = (offset + 1, ms)
        found.append(at(topic, offset, partition, ms, event))
    return sorted(found, key=lambda record: (record.partition, record.offset))


def rows_of(table: str, records: Iterable[Record]) -> list[SimpleNamespace]:
    """The rows of a table after all of `records`, each with its columns as attributes."""
    items = [(record, decode(record.partition.topic, record.value)) for record in records]
    rows: list[tuple[object, ...]] = getattr(fold(items), table)
    return [SimpleNamespace(**dict(zip(COLUMNS[table], row, strict=True))) for row in rows]


def item(record: Record) -> Item:
    return Item(record.offset, record.timestamp_ms, record.value)


def ends_of(records: Iterable[Record]) -> dict[Partition, int]:
    found: dict[Partition, int] = {}
    for record in records:
        found[record.partition] = max(record.offset + 1, found.get(record.partition, 0))
    return found


class NoExcuses(Excuses):
    """Every event can be read, and none was refused: nothing is asked of a broker."""

    def __init__(self) -> None:
        super().__init__(Letters({}), LogReader(Settings(_env_file=None), SteppedClock()))

    def without(self, *asked: Any, **_: Any) -> Iterable[int]:
        return list(asked[2])


def picture_rows(rows: Sequence[SimpleNamespace]) -> PictureRows:
    by_id = {row.image_id: row for row in rows}
    for row in rows:
        row.is_first = _place(row, "first") == _place(row, "log")

    def suspects(asked: Sequence[Sighting]) -> Iterable[Suspect]:
        for one in asked:
            row, event = by_id.get(one.image_id), Position(one.partition, one.offset, one.ms)
            if row is None or newer(event, _position(row, "log")) or newer(_position(row, "first"), event):
                yield Suspect(one.partition, one.offset, one.image_id, row is None)

    others = [row for row in rows if not row.is_first]
    return PictureRows(_placed(rows, "log"), _placed(others, "first"), suspects)


def result_rows(rows: Sequence[SimpleNamespace]) -> ResultRows:
    by_key = {(row.image_id, row.model_id): row for row in rows}

    def suspects(partition: int, asked: Sequence[tuple[tuple[str, str], Waiting]]) -> Iterable[Suspect]:
        for key, one in asked:
            row = by_key.get(key)
            if row is None or _is_newer(row, partition, one):
                yield Suspect(partition, one.offset, key[0], row is None)

    goods = [row for row in rows if row.good_partition is not None and _place(row, "good") != _place(row, "log")]
    return ResultRows(_placed(rows, "log"), _placed(goods, "good"), suspects)


def _is_newer(row: SimpleNamespace, partition: int, one: Waiting) -> bool:
    if newer(Position(partition, one.offset, one.ms), _position(row, "log")):
        return True
    if one.good_offset is None or one.good_ms is None:
        return False
    good = Position(partition, one.good_offset, one.good_ms)
    return row.good_partition is None or newer(good, _position(row, "good"))


def _position(row: SimpleNamespace, prefix: str) -> Position:
    return Position(*(getattr(row, f"{prefix}_{part}") for part in ("partition", "offset", "ms")))


def _place(row: SimpleNamespace, prefix: str) -> Place:
    return (getattr(row, f"{prefix}_partition"), getattr(row, f"{prefix}_offset"))


def _placed(rows: Iterable[SimpleNamespace], prefix: str) -> list[tuple[Place, SimpleNamespace]]:
    return sorted(((_place(row, prefix), row) for row in rows), key=lambda placed: placed[0])
