"""What the monitor looks at, tells and asks: its hands in the world, made of the parts of others."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.deps import Deps
from api.look import GroupLook, Look, Looker
from processors.monitor.faust_app import GROUP, SOURCE
from processors.monitor.lives import Lives
from processors.monitor.seen import LIVE_GROUP, Camera, Disk, Place, Seen, Work
from processors.monitor.windows import Windows
from producers.hand_resets import HandResets
from schemas.alert import Alert
from schemas.control import GroupWanted
from thumper.alerts import raised_alerts
from thumper.audit.log import Item, LogReader
from thumper.control_log import ControlLog
from thumper.database import translated
from thumper.errors import KafkaDown, ThumperError
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings
from thumper.tail import Tail
from thumper.topics import retention_ms

T = TypeVar("T")
# Outcomes that the windows may be behind by: they commit every 3 s, and 100,000 a minute is more than they ever see.
MOST_BEHIND = 5_000
# Cameras and the broker's settings change seldom, and are asked for seldom.
SELDOM_S = 60.0
ACKNOWLEDGED_WITHIN_S = 5.0
# By the index on place and time: one row for each place, however many pictures there are.
_CAMERAS = text("""
SELECT l.name, extract(epoch FROM newest.taken_at) * 1000 AS ms
FROM location l CROSS JOIN LATERAL (
    SELECT i.taken_at FROM image i
    WHERE i.location_id = l.location_id AND i.taken_at <= CAST(:now AS timestamp)
    ORDER BY i.taken_at DESC LIMIT 1
) newest
""")
log = structlog.get_logger("thumper")


class MonitorHands:
    """Hands of processors.monitor.monitor. lags: for `detections` alone, beside those of `deps`."""

    def __init__(self, settings: Settings, deps: Deps) -> None:
        self._settings = settings
        self._deps = deps
        self._lags = LagReader(settings, deps.clock)
        self._looker = Looker(deps.lags, deps.oldest, deps.engine, deps.now)
        self._beats = Tail(settings, "workers", newest=10_000)
        self._lives = Lives()
        self._control = ControlLog(settings, deps.clock)
        self._wanted: dict[str, GroupWanted] = {}
        self._resets = HandResets(deps.desk, _Requests(settings, self._lags, LogReader(settings, deps.clock)))
        self._outbox: list[Alert] = []
        self._seldom_s = float("-inf")
        self._cameras: list[Camera] | None = None
        self._retention: Mapping[str, int] | None = None
        self._raised: set[str] | None = None

    def look(self, windows: Windows | None) -> Seen:
        """See processors.monitor.monitor.Hands."""
        self._look_seldom()
        while records := self._beats.take(0.0):
            self._lives.add(records)
        look = self._looker.look()
        self._hear_wishes()
        wall = self._deps.clock.wall()
        behind = _known(lambda: self._lags.read(GROUP, [SOURCE]).lag)
        return Seen(
            now_s=self._deps.clock.now_s(),
            wall=wall,
            work=work_of(look, self._wanted.get(LIVE_GROUP)),
            windows=None if behind is None or behind > MOST_BEHIND else windows,
            groups=None if look.log is None else {one.lag.group: _places(one) for one in look.log.groups},
            workers=None if look.log is None else self._lives.workers(wall.timestamp() * 1_000),
            letters_end=None if look.log is None else sum(end for _, end in look.log.unread.values()),
            disks=disks(self._settings),
            cameras=self._cameras,
            retention_ms=self._retention,
            stable=_known(self._stable),
            raised=self._raised,
        )

    def tell(self, alerts: Sequence[Alert]) -> None:
        """See processors.monitor.monitor.Hands."""
        self._outbox += alerts
        if not self._outbox:
            return
        try:
            for alert in self._outbox:
                self._deps.sender.emit("alerts", alert)
            self._deps.sender.flush(ACKNOWLEDGED_WITHIN_S)
            self._outbox.clear()
        except KafkaDown as error:
            log.warning("alerts wait for the broker", count=len(self._outbox), error=error.message)

    def ask(self) -> None:
        """See processors.monitor.monitor.Hands."""
        if asked := self._resets.ask().asked:
            log.info("asked for pictures that were reset by hand", count=asked)

    def close(self) -> None:
        """Let the connections go."""
        self._beats.close()
        self._control.close()
        self._lags.close()

    def _hear_wishes(self) -> None:
        with suppress(KafkaDown):
            for _, event in self._control.new():
                if isinstance(event, GroupWanted):
                    self._wanted[event.group] = event

    def _stable(self) -> dict[Partition, tuple[int, int]]:
        stable = self._lags.ends([SOURCE])
        return {part: (stable[part], end) for part, end in self._lags.high_waters([SOURCE]).items()}

    def _look_seldom(self) -> None:
        now_s = self._deps.clock.now_s()
        if now_s - self._seldom_s >= SELDOM_S:
            self._seldom_s = now_s
            self._cameras = _known(self._read_cameras)
            self._retention = _known(lambda: retention_ms(self._settings))
            self._raised = _known(lambda: {one.name for one in raised_alerts(self._settings, self._deps.clock)})

    def _read_cameras(self) -> list[Camera]:
        try:
            with translated(), self._deps.engine.connect() as connection:
                rows = connection.execute(_CAMERAS, {"now": self._deps.clock.wall().replace(tzinfo=None)})
                return [Camera(name, int(ms)) for name, ms in rows]
        except ProgrammingError:
            return []  # No tables yet, no cameras.


class _Requests:
    """See producers.hand_resets.Requests."""

    def __init__(self, settings: Settings, lags: LagReader, reader: LogReader) -> None:
        self._lags = lags
        self._reader = reader

    def ends(self) -> dict[Partition, int]:
        return self._lags.ends(["requests"])

    def read(self, partition: Partition, start: int, end: int) -> Iterator[Item]:
        return self._reader.read(partition, start, end)


def disks(settings: Settings) -> list[Disk]:
    """The disks of store, log and tables as far as they are on this machine, and of THUMPER_ALERT_DISKS; each once."""
    folders = {"kafka": settings.data_dir / "kafka", "database": settings.data_dir / "postgres"}
    store = urlsplit(settings.store_url)
    if store.scheme == "file":
        folders["store"] = Path(unquote(store.path))
    folders |= {folder.name: folder for folder in settings.alert_disks}
    by_device: dict[int, tuple[list[str], Path]] = {}
    for name, folder in sorted(folders.items()):
        try:
            by_device.setdefault(folder.stat().st_dev, ([], folder))[0].append(name)
        except OSError:
            continue  # Not on this machine, or away: an alert of its own.
    return [_disk("+".join(names), folder) for names, folder in by_device.values()]


def _disk(holds: str, folder: Path) -> Disk:
    found = os.statvfs(folder)
    return Disk(holds, found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def work_of(look: Look, wanted: GroupWanted | None) -> Work | None:
    """The pictures. wanted: of the live group; None: nobody has decided. Pure.

    A detector that waits for a store or a broker says that it is paused, too: nobody has planned that.
    """
    if look.status is None:
        return None
    numbers = look.status.numbers
    planned = look.status.state == "Replaying" or (wanted is not None and wanted.state != "running")
    return Work(numbers.pending, numbers.processing, numbers.failed, planned)


def _places(group: GroupLook) -> list[Place]:
    return [
        Place(part.partition, max(part.position, part.start), part.end, group.oldest_ms.get(part.partition))
        for part in group.lag.partitions
    ]


def _known(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ThumperError:
        return None
