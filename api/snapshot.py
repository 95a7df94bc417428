"""What is true now: one reading of log and tables per process, shared by all callers for a quarter of a second."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Engine

from api.queries import snapshot
from api.status import LIVE_GROUP, Positions, Status, Worker, status
from thumper.clock import Clock
from thumper.errors import ThumperError
from thumper.lag import GroupLag

T = TypeVar("T")
MAX_AGE_S = 0.25
SINK_GROUP = "sink"


class Lags(Protocol):
    """Reads positions from the log (thumper.lag.LagReader). May block; raises KafkaDown, never guesses."""

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        """Positions and ends of `group` on `topics`."""
        ...


class Known(Protocol):
    """Who is alive (api.workers.Beats)."""

    def known(self) -> Sequence[Worker]:
        """Everybody heard of lately."""
        ...


class Shared(Generic[T]):
    """What `read` returns, at most `max_age_s` old. One caller reads; the others wait and share what it got.

    A failure is shared as well, so that a crowd of callers does not queue up behind one time-out after the other.
    """

    def __init__(self, read: Callable[[], T], clock: Clock, max_age_s: float = MAX_AGE_S) -> None:
        self._read = read
        self._clock = clock
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._read_at_s: float | None = None
        self._value: T | None = None
        self._failure: ThumperError | None = None

    def get(self) -> T:
        """The value. Blocks while it is read. Raises what `read` raised."""
        with self._lock:
            if self._read_at_s is None or self._clock.now_s() - self._read_at_s >= self._max_age_s:
                self._refresh()
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            assert self._value is not None  # noqa: S101 - _refresh sets one of the two
            return self._value

    def forget(self) -> None:
        """Read anew for the next caller: after a change of one's own, or in tests."""
        with self._lock:
            self._read_at_s = None

    def _refresh(self) -> None:
        self._value = self._failure = None
        try:
            self._value = self._read()
        except ThumperError as error:
            self._failure = error
        self._read_at_s = self._clock.now_s()


@dataclass(frozen=True, slots=True)
class Reading:
    """A status, and the live group's committed offsets, by partition of `images`, at which its rows were cut."""

    status: Status
    committed: dict[int, int]


class StatusReader:
    """Reads in the one order that errs to the safe side: group positions, tables, ends of the log.

    A picture finished in between still counts as waiting; one read the other way round would count as done too early.
    """

    def __init__(self, engine: Engine, lags: Lags, workers: Known, clock: Clock) -> None:
        self._engine = engine
        self._lags = lags
        self._workers = workers
        self._clock = clock
        self.stalled_since_s: float | None = None

    def read(self) -> Reading:
        """One reading. Blocks for some milliseconds. Raises KafkaDown, DatabaseDown or LogMismatch."""
        before = self._lags.read(LIVE_GROUP, ["images"])
        committed = {part.partition.number: part.position for part in before.partitions}
        with snapshot(self._engine) as tables:
            counts = tables.counts(committed)
        after = self._lags.read(LIVE_GROUP, ["images"])
        sink = self._lags.read(SINK_GROUP, ["detections"])
        now = status(
            counts,
            Positions(before, after, sink),
            self._workers.known(),
            self._clock.now_s(),
            self.stalled_since_s,
        )
        self.stalled_since_s = now.stalled_since_s
        return Reading(now, committed)
