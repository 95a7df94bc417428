"""The last hour in figures, for charts: a look every five seconds, kept in memory, gone when the process ends."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from api.exporter import age_s
from api.look import Look
from api.snapshot import Known
from api.status import LIVE_GROUP, Numbers
from thumper.clock import Clock
from thumper.record import Partition

log = structlog.get_logger()
EVERY_S = 5.0
# An hour: with 64 partitions some 20 MB.
KEPT = 720


@dataclass(frozen=True, slots=True)
class GroupSample:
    """Lag in offsets, and in seconds: the age of the oldest unfinished event; None: not known."""

    lag: int
    age_s: float | None
    partitions: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. at_ms: wall clock. numbers, groups: None and empty if they could not be read: a gap in the chart."""

    at_ms: float
    numbers: Numbers | None
    rate_per_minute: float
    groups: Mapping[str, GroupSample]


def sample(look: Look, workers: Known, clock: Clock) -> Sample:
    """What `look` says, boiled down."""
    now_ms = clock.wall().timestamp() * 1_000
    groups = {}
    for group in look.log.groups if look.log else ():
        ages = {part.partition: age_s(group, part, now_ms) for part in group.lag.partitions}
        known = [age for age in ages.values() if age is not None]
        lags = {part.partition: part.lag for part in group.lag.partitions}
        oldest = max(known) if known else (None if group.lag.lag else 0.0)
        groups[group.lag.group] = GroupSample(group.lag.lag, oldest, lags)
    return Sample(now_ms, look.status.numbers if look.status else None, rate(workers, clock), groups)


def rate(workers: Known, clock: Clock) -> float:
    """Pictures a minute of the live group, by its workers' heartbeats."""
    now_s = clock.now_s()
    live = [worker for worker in workers.known() if worker.beat.group == LIVE_GROUP and worker.alive(now_s)]
    return sum(worker.beat.rate_per_minute for worker in live)


class History:
    """Samples in the background from start() to close()."""

    def __init__(self, look: Callable[[], Look], workers: Known, clock: Clock, every_s: float = EVERY_S) -> None:
        self._look, self._workers, self._clock = look, workers, clock
        self._every_s = every_s
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._follow, name="history", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when the thread has ended, or does not within ten seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10.0)

    def samples(self) -> list[Sample]:
        """The oldest first."""
        return list(self._samples)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._samples.append(sample(self._look(), self._workers, self._clock))
            except Exception:
                # Whatever it was: a gap in the chart, and not the end of it.
                log.exception("history has a gap")
            self._stopping.wait(self._every_s)
