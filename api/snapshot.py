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
# The next reading begins at this share of the age: with ten million pictures it takes some 30 ms, and 100 are left.
AHEAD = 0.6
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


@dataclass(frozen=True, slots=True)
class _Read(Generic[T]):
    """What a reading brought. at_s: when it began, or, if it failed, when it ended (monotonic)."""

    at_s: float
    value: T | None
    failure: ThumperError | None


class Shared(Generic[T]):
    """What `read` returns, at most `max_age_s` old. One caller reads; the others wait and share what it got.

    While callers come often nobody waits: from AHEAD of that age on, the next one is read behind their backs.
    A failure is shared as well, so that a crowd of callers does not queue up behind one time-out after the other.
    """

    def __init__(self, read: Callable[[], T], clock: Clock, max_age_s: float = MAX_AGE_S) -> None:
        self._read = read
        self._clock = clock
        self._max_age_s = max_age_s
        self._reading = threading.Lock()
        self._last: _Read[T] | None = None

    def get(self) -> T:
        """The value. Blocks while it is read, unless there is one that is young enough. Raises what `read` raised."""
        came_s = self._clock.now_s()
        last = self._last
        if last is None or came_s - last.at_s >= self._max_age_s:
            last = self._wait(came_s)
        elif came_s - last.at_s >= AHEAD * self._max_age_s and self._reading.acquire(blocking=False):
            self._read_ahead()
        if last.failure is not None:
            raise last.failure.with_traceback(None)
        assert last.value is not None  # noqa: S101 - without a failure there is one
        return last.value

    def forget(self) -> None:
        """Read anew for the next caller: after a change of one's own, or in tests."""
        with self._reading:
            self._last = None

    def _wait(self, came_s: float) -> _Read[T]:
        """What somebody else has read meanwhile, if it began early enough for this caller; else read it."""
        with self._reading:
            last = self._last
            if last is None or came_s - last.at_s >= self._max_age_s:
                last = self._last = self._fresh()
            return last

    def _read_ahead(self) -> None:
        try:
            threading.Thread(target=self._read_behind, name="reading ahead", daemon=True).start()
        except RuntimeError:  # No more threads can be had: then somebody waits.
            self._reading.release()

    def _read_behind(self) -> None:
        try:
            self._last = self._fresh()
        finally:
            self._reading.release()

    def _fresh(self) -> _Read[T]:
        start_s = self._clock.now_s()
        try:
            return _Read(start_s, self._read(), None)
        except ThumperError as error:
            return _Read(self._clock.now_s(), None, error)


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
