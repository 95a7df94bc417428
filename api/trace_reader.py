"""Finds what log and tables hold of one picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine

from api.look import Log
from api.queries import Reader, snapshot
from api.responses import Trace
from api.snapshot import Known
from api.status import LIVE_GROUP
from api.trace import Rows, Seen, mentions, story
from api.trace_ranges import Edges, Stretch, stretches
from api.trace_steps import Told
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.envelope import Event
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.dead_letters import TOPIC as LETTERS
from thumper.dead_letters import read_letter
from thumper.record import Partition, Record
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

# Of all partitions together, looked through in about two seconds.
MOST_SCANNED = 100_000
# Dead letters may have 900,000 bytes each.
MOST_LETTERS = 5_000
_LETTERS = Partition(LETTERS, 0)


class TraceLog(Log, Protocol):
    """Reads positions from the log (thumper.lag.LagReader)."""

    def at_time(self, topics: Sequence[str], at_ms: int) -> Mapping[Partition, int]:
        """The first offset at or after a broker time, by partition; its end if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Tracer:
    """Looks. For any thread; each look has a reader of its own."""

    settings: Settings
    engine: Engine
    lags: TraceLog
    workers: Known
    clock: Clock

    def trace(self, image: UUID, sha256: str | None = None, most: int = MOST_SCANNED) -> Trace:
        """The story of `image`; sha256: of its bytes, if they are at hand. Raises KafkaDown, DatabaseDown.

        Blocks for some milliseconds, and for some seconds where `most` events have to be searched.
        """
        live = self.lags.read(LIVE_GROUP, WORK)
        with snapshot(self.engine) as tables:
            rows = _rows(tables, image)
        known = sha256 if rows.image is None else rows.image["sha256"]
        wanted, left = stretches(rows, self._edges(rows), most)
        letters, letters_left = self._letter_stretch()
        reader = LogReader(self.settings, self.clock)
        try:
            events = [told for one in wanted for told in _found(reader, one, image, known)]
            letter_records = reader.records(letters.part, letters.start, letters.end)
            refused = [read_letter(record) for record in letter_records if mentions(record, image, known)]
        finally:
            reader.close()
        unsearched = [str(one) for one in (*left, *letters_left)]
        return story(Seen(image, known, rows, events, refused, live, self._in_flight(), unsearched))

    def _edges(self, rows: Rows) -> Edges:
        since = {} if rows.image is None else self.lags.at_time(("detections", "requests"), rows.image["first_ms"])
        return Edges(self.lags.starts(RECORDED), self.lags.ends(RECORDED), since)

    def _letter_stretch(self) -> tuple[Stretch, list[Stretch]]:
        start, end = self.lags.starts([LETTERS])[_LETTERS], self.lags.ends([LETTERS])[_LETTERS]
        cut = max(start, end - MOST_LETTERS)
        return Stretch(_LETTERS, cut, end), [Stretch(_LETTERS, start, cut)] if cut > start else []

    def _in_flight(self) -> int:
        now_s = self.clock.now_s()
        live = [one for one in self.workers.known() if one.beat.group == LIVE_GROUP and one.alive(now_s)]
        return sum(one.beat.in_flight for one in live)


def _rows(tables: Reader, image: UUID) -> Rows:
    active = tables.row("active_model")
    return Rows(
        image=tables.row("trace_image", image=str(image)),
        results=tables.rows("trace_results", image=str(image)),
        requests=tables.rows("trace_requests", image=str(image)),
        facts=tables.rows("trace_facts", image=str(image)),
        active_model=None if active is None else active["model_id"],
        recorded=tables.recorded(),
    )


def _found(reader: LogReader, one: Stretch, image: UUID, sha256: str | None) -> Iterator[Told]:
    for record in reader.records(one.part, one.start, one.end):
        if mentions(record, image, sha256) and (event := _event(record, image)) is not None:
            yield Told(record, event)


def _event(record: Record, image: UUID) -> Event | None:
    """The event, if it is about `image`. What nobody can read is among the dead letters."""
    try:
        event: Event = decode(record.partition.topic, record.value)
    except (UnreadableEvent, UnknownMajorVersion):
        return None
    return event if event.key() == str(image) else None
