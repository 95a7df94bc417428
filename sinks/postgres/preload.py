"""Removals first: before new tables are filled from the log, they are told which pictures were removed.

Topics are read side by side. If a removal came after the event that brought its picture back, what is merged in one row
by then could not be told apart any more. Known beforehand, each event is judged when it comes.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from sqlalchemy import Engine

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.fact import ImageRemoved
from sinks.postgres.fold import Item, fold
from sinks.postgres.writer import PostgresWriter
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.lag import LagReader
from thumper.record import Record
from thumper.settings import Settings

AT_ONCE = 5_000
# Other facts are not even decoded.
_MARK = b"image.removed"


def preload_removals(engine: Engine, settings: Settings, clock: Clock) -> int:
    """Write every removal that is in `facts` now, and nothing else; how many. Raises KafkaDown, DatabaseDown."""
    count = 0
    with closing(PostgresWriter(engine)) as writer:
        found = _removals(settings, clock)
        while some := list(islice(found, AT_ONCE)):
            rows = fold(some)
            # Only read ahead: all else in these partitions is still to be recorded.
            rows.recorded.clear()
            writer.write(rows)
            count += len(some)
    return count


def _removals(settings: Settings, clock: Clock) -> Iterator[Item]:
    with closing(LagReader(settings, clock)) as lags, closing(LogReader(settings, clock)) as reader:
        starts, ends = lags.starts(["facts"]), lags.ends(["facts"])
        for part, end in sorted(ends.items()):
            for item in reader.read(part, starts[part], end):
                if item.value is not None and _MARK in item.value and (event := _removal(item.value)) is not None:
                    yield Record(part, item.offset, item.value, timestamp_ms=item.ms), event


def _removal(value: bytes) -> ImageRemoved | None:
    try:
        event = decode("facts", value)
    except (UnreadableEvent, UnknownMajorVersion):
        return None
    return event if isinstance(event, ImageRemoved) else None
