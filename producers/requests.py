"""Queueing by hand: the one function that asks for known pictures to be processed again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, RowMapping, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from producers.selection import Selection, Wanted, knows_place, select, unknown_ids
from schemas.envelope import Event, derived_id
from schemas.request import ProcessingRequested
from thumper.clock import Clock
from thumper.database import translated
from thumper.errors import DatabaseDown, KafkaDown, Retriable, UserError
from thumper.lag import GroupLag
from thumper.record import Partition

__all__ = [
    "Busy",
    "Desk",
    "NotRecorded",
    "Queued",
    "Selection",
    "Sender",
    "Unknown",
    "Wanted",
    "alone",
    "queue",
]

# Held by whoever asks, in any process on this database: two that ask at once would not see each other's requests.
LOCK_KEY = 0x7468_756D_7065_7201
LOCK_TIMEOUT_S = 20
RECORDED_WITHIN_S = 5.0
# A sink writes every 50 ms; asking it more often than this finds out nothing.
ASK_SINK_EVERY_S = 0.02
ACKNOWLEDGED_WITHIN_S = 15.0


class NotRecorded(Retriable):
    """The sink is behind, so nobody knows what was asked already. Nothing was queued."""


class Busy(Retriable):
    """Others are asking; nothing was queued."""


class Unknown(UserError):
    """An id that no picture or location has. Nothing was queued."""


@dataclass(frozen=True, slots=True)
class Queued:
    """task_ids: one per picture that is in the pipeline now. asked: how many of them by requests of this call."""

    task_ids: tuple[str, ...]
    asked: int


class Lags(Protocol):
    """Reads positions from the log (thumper.lag.LagReader)."""

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        """Positions and ends of `group` on `topics`."""
        ...


class Sender(Protocol):
    """Sends events (thumper.emitter.Emitter)."""

    def emit(self, topic: str, event: Event) -> None:
        """Queue one event."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait for all acknowledgements. Raises KafkaDown."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What queueing needs. The sender is used by one caller at a time."""

    engine: Engine
    lags: Lags
    sender: Sender
    clock: Clock


def queue(selection: Selection, desk: Desk, requested_by: str = "api") -> Queued:
    """See that the selected pictures are in the pipeline; each is asked for at most once, however often this is called.

    Pictures that wait already, by their own event or by a request, are counted and get no second event. Blocks for as
    long as the sink needs to record what was asked and answered so far (5 s at most) and the broker to acknowledge.
    Raises Unknown, NotRecorded, Busy, KafkaDown or DatabaseDown; of these only KafkaDown may leave requests behind,
    and calling again asks for none of them twice.
    """
    with alone(desk.engine) as connection:
        _refuse_unknown(connection, selection)
        # The group's position first: what it passes from now on is then among the outcomes waited for.
        committed = {part.partition.number: part.position for part in desk.lags.read("detector", ["images"]).partitions}
        wait_until_answered(connection, desk)
        rows = select(connection, selection, committed)
        return _ask([_Picture(row, committed) for row in rows], desk, requested_by)


def ask_for(
    connection: Connection, image_ids: Sequence[UUID], committed: Mapping[int, int], desk: Desk, requested_by: str
) -> Queued:
    """See that these are in the pipeline, ids that nobody knows left out. committed: read before wait_until_answered.

    For a caller that is alone and has waited. Raises KafkaDown, DatabaseDown.
    """
    rows = select(connection, Selection(tuple(image_ids)), committed)
    return _ask([_Picture(row, committed) for row in rows], desk, requested_by)


class _Picture:
    """An image row, and what it waits for."""

    def __init__(self, row: RowMapping, committed: Mapping[int, int]) -> None:
        self._row = row
        self._own_event = row["log_offset"] >= committed.get(row["log_partition"], 0)

    @property
    def waits(self) -> bool:
        return self._own_event or bool(self._row["asked"])

    @property
    def request_id(self) -> str:
        """The same for the same picture, model and result to be replaced: a repeat is recognised as one."""
        row = self._row
        reset: datetime | None = row["hand_reset_at"]
        replaces = (row["result_partition"], row["result_offset"], reset.timestamp() if reset else None)
        return str(derived_id("request", row["image_id"], row["model_id"], *replaces))

    @property
    def task_id(self) -> str:
        if self._own_event:
            return f"images-{self._row['log_partition']}-{self._row['log_offset']}"
        return self.request_id

    def event(self, now: datetime, requested_by: str) -> ProcessingRequested:
        row = self._row
        return ProcessingRequested(
            id=self.request_id,
            time=now,
            source=f"thumper/{requested_by}",
            sha256=row["sha256"],
            uri=row["uri"],
            size_bytes=row["size_bytes"],
            image_id=row["image_id"],
            requested_by=requested_by,
        )


def _ask(pictures: Sequence[_Picture], desk: Desk, requested_by: str) -> Queued:
    new = [picture for picture in pictures if not picture.waits]
    now = desk.clock.wall()
    for picture in new:
        desk.sender.emit("requests", picture.event(now, requested_by))
    try:
        desk.sender.flush(ACKNOWLEDGED_WITHIN_S)
    except KafkaDown as error:
        raise KafkaDown(
            f"not every one of {len(new)} requests was acknowledged: {error.message}",
            "call again when Kafka is up: pictures that were asked for are not asked for twice",
        ) from error
    return Queued(tuple(picture.task_id for picture in pictures), len(new))


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A read-only connection that holds the lock of whoever asks. Every statement sees what is committed by then.

    Raises Busy, DatabaseDown.
    """
    with _explained(), translated(), engine.connect() as plain:
        connection = plain.execution_options(isolation_level="READ COMMITTED", postgresql_readonly=True)
        with connection.begin():
            connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": f"{LOCK_TIMEOUT_S}s"})
            try:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            except OperationalError as error:
                if type(error.orig).__name__ != "LockNotAvailable":
                    raise
                raise Busy("others are queueing pictures", "nothing was queued; call again") from error
            yield connection


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        raise DatabaseDown("the tables are not there, or may not be read", "start the sink: it makes them") from error


def _refuse_unknown(connection: Connection, selection: Selection) -> None:
    unknown = unknown_ids(connection, selection.image_ids or ())
    if unknown:
        more = f" ... ({len(unknown)} ids)" if unknown[20:] else ""
        raise Unknown(
            f"no picture has the id {', '.join(unknown[:20])}{more}", "nothing was queued; ask without these ids"
        )
    place = selection.location_id
    if selection.image_ids is None and place is not None and not knows_place(connection, place):
        raise Unknown(f"no location has the id {place}", "GET /api/locations lists them")


def wait_until_answered(connection: Connection, desk: Desk) -> None:
    """Until the tables know every request and every outcome that is in the log now. Raises NotRecorded, KafkaDown."""
    sink = desk.lags.read("sink", ["requests", "detections"])
    ends = {part.partition: part.end for part in sink.partitions}
    give_up_s = desk.clock.now_s() + RECORDED_WITHIN_S
    while behind := _behind(connection, sink, ends):
        if desk.clock.now_s() >= give_up_s:
            raise NotRecorded(
                f"the sink has not recorded the last {behind} offsets of requests and detections "
                f"within {RECORDED_WITHIN_S:.0f} s",
                "nothing was queued; is the sink running? `thumper lag`",
            )
        desk.clock.sleep(ASK_SINK_EVERY_S)
        sink = desk.lags.read("sink", ["requests", "detections"])


def _behind(connection: Connection, sink: GroupLag, ends: Mapping[Partition, int]) -> int:
    rows = connection.execute(text("SELECT topic, log_partition, next_offset FROM recorded"))
    recorded = {Partition(topic, number): offset for topic, number, offset in rows}
    # The sink's own position passes transaction markers, behind which nothing is ever recorded.
    return sum(
        max(0, ends.get(part.partition, 0) - max(part.position, recorded.get(part.partition, 0)))
        for part in sink.partitions
    )
