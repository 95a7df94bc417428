"""One look at everything, as the rules see it. What could not be read is None, never a guess."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from processors.monitor.windows import Windows
from thumper.record import Partition

LIVE_GROUP = "detector"


@dataclass(frozen=True, slots=True)
class Work:
    """Pictures. planned: a replay or a pause that somebody wanted, so that waiting is no fault."""

    pending: int
    processing: int
    failed: int
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group stands in a partition. oldest_ms: the broker's time of its oldest unfinished event, if known."""

    partition: Partition
    position: int
    end: int
    oldest_ms: int | None = None

    @property
    def lag(self) -> int:
        """Offsets still to be done."""
        return max(0, self.end - self.position)


@dataclass(frozen=True, slots=True)
class Worker:
    """starts_s: how long ago this name began a life, within the last hour. stopped: it ended in order."""

    name: str
    silent_s: float
    stopped: bool
    starts_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the disk that something lies on."""

    holds: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Camera:
    """A location and when its newest picture was taken, by the camera's clock as corrected; not in the future."""

    name: str
    newest_ms: int


@dataclass(frozen=True, slots=True)
class Past:
    """What only several looks together tell (memory.py). Seconds.

    work_s: for how long pictures have been waiting without a break; None: none wait.
    moved_s: since a group's position in a partition has last moved. still_s: the same, while there is lag all along.
    letters: how many came in the last ten minutes.
    open_s: for how long a transaction has kept readers of a partition from going on.
    """

    work_s: float | None = None
    moved_s: Mapping[tuple[str, Partition], float] = field(default_factory=dict)
    still_s: Mapping[tuple[str, Partition], float] = field(default_factory=dict)
    letters: int = 0
    open_s: Mapping[Partition, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """now_s: monotonic. stable: last stable offset and end of each partition of `detections`.

    retention_ms: of topics that do not keep for ever. letters_end: the end of `dead-letters`.
    raised: names of all alerts that the log says are raised.
    """

    now_s: float
    wall: datetime
    work: Work | None = None
    windows: Windows | None = None
    groups: Mapping[str, Sequence[Place]] | None = None
    workers: Sequence[Worker] | None = None
    letters_end: int | None = None
    disks: Sequence[Disk] | None = None
    cameras: Sequence[Camera] | None = None
    retention_ms: Mapping[str, int] | None = None
    stable: Mapping[Partition, tuple[int, int]] | None = None
    raised: Collection[str] | None = None
    past: Past = field(default_factory=Past)

    @property
    def now_ms(self) -> float:
        """The wall clock in milliseconds."""
        return self.wall.timestamp() * 1_000
