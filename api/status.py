"""What is done, what waits and what is in hand, from counts, positions and heartbeats; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from schemas.worker import WorkerBeat
from thumper.errors import Retriable
from thumper.lag import GroupLag
from thumper.record import Partition

State = Literal["Idle", "Active", "Stuck", "Replaying", "Paused"]

# The live group; side runs and shadows have others and do not count here.
LIVE_GROUP = "detector"
# Heartbeats come once a second; after five missed ones a worker has nothing in hand any more.
BEAT_MAX_AGE_S = 5.0
# The predecessor's runbook calls it stuck after five minutes.
STUCK_AFTER_S = 300.0


class LogMismatch(Retriable):
    """The rows and the log do not belong together, so nothing true can be said."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Image rows of one place. ahead: at or beyond the group's committed offset, in whatever state; the rest below it.

    todo: reset by hand, requested, or without an outcome of the active model.
    """

    ahead: int = 0
    todo: int = 0
    completed: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All rows."""
        return self.ahead + self.todo + self.completed + self.failed

    @property
    def work(self) -> int:
        """Rows in the pipeline."""
        return self.ahead + self.todo

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.ahead + other.ahead,
            self.todo + other.todo,
            self.completed + other.completed,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """One database snapshot, cut at the committed offsets that were read before it.

    locations: image rows by location; tables.NOWHERE stands for pictures without one.
    done_ahead: per partition of `images`, rows at or beyond the committed offset that have an outcome already.
    recorded: the sink's highest offset + 1, by partition of every topic.
    """

    locations: Mapping[UUID, Tally]
    done_ahead: Mapping[int, int] = field(default_factory=dict)
    recorded: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Positions:
    """Readings of the log, in the order in which they must be taken.

    before: the live group on `images`, before the database snapshot; after: the same, after it.
    sink: the sink on `detections`, after the snapshot.
    """

    before: GroupLag
    after: GroupLag
    sink: GroupLag


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's newest sign of life. seen_s: monotonic."""

    beat: WorkerBeat
    seen_s: float

    def alive(self, now_s: float) -> bool:
        """Whether it may still be working."""
        return self.beat.state != "stopped" and now_s - self.seen_s < BEAT_MAX_AGE_S


@dataclass(frozen=True, slots=True)
class Numbers:
    """Pictures. pending + processing + completed + failed == total, always."""

    total: int
    pending: int
    processing: int
    completed: int
    failed: int

    @property
    def completion_rate(self) -> float:
        """Completed of total in percent, two decimals; 0.0 of nothing."""
        return round(100.0 * self.completed / self.total, 2) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """The answer. stalled_since_s: monotonic; since when pictures wait and nothing is in hand, or None."""

    numbers: Numbers
    locations: Mapping[UUID, Numbers]
    state: State
    unregistered: int
    in_flight: int
    lag: int
    stalled_since_s: float | None


def status(
    counts: Counts,
    positions: Positions,
    workers: Sequence[Worker],
    now_s: float,
    stalled_since_s: float | None = None,
) -> Status:
    """Status as the design defines it. stalled_since_s: what the status before this one said.

    Raises LogMismatch if the sink has recorded what the log does not have.
    """
    _refuse_foreign_rows(counts, positions)
    unregistered = _beyond_recorded(positions.after, counts)
    rows = sum(counts.locations.values(), start=_NONE)
    work = unregistered + rows.work
    live = [worker for worker in workers if worker.beat.group == LIVE_GROUP and worker.alive(now_s)]
    in_flight = sum(worker.beat.in_flight for worker in live) + _unrecorded(positions.sink, counts)
    processing = min(work, in_flight)
    numbers = Numbers(unregistered + rows.total, work - processing, processing, rows.completed, rows.failed)
    paused = bool(live) and all(worker.beat.state == "paused" for worker in live)
    # What is paused is not stalled, nor has it been once it goes on.
    stalled_s = None if paused else _stalled_since(numbers, in_flight, now_s, stalled_since_s)
    stuck = stalled_s is not None and now_s - stalled_s >= STUCK_AFTER_S
    return Status(
        numbers=numbers,
        locations={place: _share(tally, processing, work) for place, tally in counts.locations.items()},
        state="Paused" if paused else _state(work, stuck, replaying(counts, positions)),
        unregistered=unregistered,
        in_flight=in_flight,
        lag=positions.after.lag,
        stalled_since_s=stalled_s,
    )


def replaying(counts: Counts, positions: Positions) -> bool:
    """Whether the group stands behind what it had once reached.

    A row beyond the committed offset that has an outcome was reached before, unless the group passed it between the
    two readings of its position; so only more such rows than it has passed meanwhile prove a replay.
    """
    stood = {part.partition: part.position for part in positions.before.partitions}
    passed = {
        part.partition.number: part.position - stood.get(part.partition, part.position)
        for part in positions.after.partitions
    }
    return any(rows > max(0, passed.get(number, 0)) for number, rows in counts.done_ahead.items())


_NONE = Tally()


def _refuse_foreign_rows(counts: Counts, positions: Positions) -> None:
    ends = {part.partition: part.end for part in (*positions.after.partitions, *positions.sink.partitions)}
    topics = {part.topic for part in ends}
    for part, recorded in counts.recorded.items():
        if part.topic in topics and recorded > ends.get(part, 0):
            raise LogMismatch(
                f"the tables hold records of {part.topic} that the log does not have",
                "the log was replaced or has lost data; `thumper rebuild` makes the tables anew from it",
            )


def _beyond_recorded(images: GroupLag, counts: Counts) -> int:
    return sum(max(0, part.end - max(part.start, counts.recorded.get(part.partition, 0))) for part in images.partitions)


def _unrecorded(sink: GroupLag, counts: Counts) -> int:
    # The sink's own position passes transaction markers, which `recorded` alone would count as outcomes for ever.
    return sum(
        max(0, part.end - max(part.position, counts.recorded.get(part.partition, 0))) for part in sink.partitions
    )


def _stalled_since(numbers: Numbers, in_flight: int, now_s: float, before_s: float | None) -> float | None:
    if in_flight or not numbers.pending:
        return None
    return now_s if before_s is None else before_s


def _share(tally: Tally, processing: int, work: int) -> Numbers:
    """A place's numbers: heartbeats name no places, so what is in hand is shared out by the work that each has."""
    in_hand = processing * tally.work // work if work else 0
    return Numbers(tally.total, tally.work - in_hand, in_hand, tally.completed, tally.failed)


def _state(work: int, stuck: bool, behind: bool) -> State:
    if not work:
        return "Idle"
    if stuck:
        return "Stuck"
    return "Replaying" if behind else "Active"
