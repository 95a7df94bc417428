"""The run of an import: its parts wired from settings, and the order of its steps."""

import secrets
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Protocol, Self

from cli.import_report import size_words
from producers.catch_up import wait_for_turn, wait_until_recorded
from producers.delivery import Delivery
from producers.find import Finder, Found, Source, Survey, Trouble, survey
from producers.importer import ImportParts, ImportPlan, Report, run_import
from producers.known import ImportLock, RecordedPictures
from producers.patience import Patience
from producers.places import PlaceFact
from producers.tally import ImportSummary
from producers.watch import watch
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.store import Store

# On 2 cores and a local disk, 2 to 4 threads were equally fast and 8 only used more time of the kernel; a bucket
# answers after some 50 ms, whatever the processor.
DISK_THREADS = 4
BUCKET_THREADS = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. wait_s: patience with a sink that records nothing."""

    sources: tuple[Source, ...]
    location: str | None = None
    in_place: bool = False
    dry_run: bool = False
    watching: bool = False
    wait_s: float = 60.0
    threads: int | None = None
    even_removed: bool = False


# Its turn among imports, or a sink that has recorded what is in the log.
WaitsFor = Literal["turn", "sink"]


class RunReport(Report, Protocol):
    """Who is told what happens (cli.import_report.ImportReport)."""

    def running(self, total: int) -> AbstractContextManager[None]:
        """While pictures are imported. total: how many are coming; 0: nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class Wires:
    """What the command itself brings."""

    clock: Clock
    report: RunReport
    stopped: Callable[[], bool]


class ImportRun:
    """One command's import, connected. A context manager: leaving it gives back the lock and all connections.

    waits_for: what it waits for before pictures are taken in; kept when it was stopped while it waited.
    """

    def __init__(self, settings: Settings, asked: Asked, wires: Wires) -> None:
        """Connects nothing that is not asked yet. Raises SettingError."""
        self._asked = asked
        self._wires = wires
        self.waits_for: WaitsFor | None = None
        self._patience = Patience(wires.clock, wires.stopped, wires.report.say)
        self._closing = ExitStack()
        engine = make_engine(settings, read_only=True, application_name="thumper import")
        self._closing.callback(engine.dispose)
        self._known, self._lock = RecordedPictures(engine), ImportLock(engine)
        self._closing.callback(self._lock.release)
        self._store, self._log = Store(settings, wires.clock), LagReader(settings)
        self._closing.callback(self._log.close)
        self._emitter = self._closing.enter_context(Emitter(settings))
        self._plan = ImportPlan(
            sources=asked.sources,
            import_id=f"{wires.clock.wall():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            in_place=asked.in_place,
            dry_run=asked.dry_run,
            max_picture_bytes=settings.max_picture_bytes,
            reserve_bytes=settings.store_reserve_bytes,
            even_removed=asked.even_removed,
            threads=asked.threads or (BUCKET_THREADS if settings.store_url.startswith("s3:") else DISK_THREADS),
        )
        self._parts = ImportParts(
            self._store, self._emitter, self._known, wires.clock, wires.stopped, again=self._take_turn
        )

    def all(self, facts: Iterable[PlaceFact]) -> ImportSummary:
        """State `facts`, then import once or watch. Raises UserError, Retriable if it cannot even start."""
        self._open_store()
        if not self._asked.dry_run:
            _state(facts, Delivery(self._emitter, self._patience))
        finder = Finder([source.folder for source in self._asked.sources], self._asked.location)
        if self._asked.watching:
            self._wires.report.say("[INFO] Watching; Ctrl-C ends it")
            return watch(finder, self._round, self._wires.clock, self._wires.stopped)
        return self._once(finder)

    def _once(self, finder: Finder) -> ImportSummary:
        report = self._wires.report
        coming = survey(finder)
        report.say(f"[INFO] Found {coming.pictures} total images in directory")
        if not coming.pictures:
            report.say("[WARN] No picture is there; JPEG, PNG, TIFF, WebP and HEIC are looked for, by their names")
        elif not (self._plan.in_place or self._plan.dry_run):
            report.say(f"[INFO] Copying up to {coming.size_bytes:,} bytes ({size_words(coming.size_bytes)})")

        def pictures() -> Iterable[Found | Trouble]:
            self._check_reserve(coming, finder)
            return finder

        with report.running(coming.pictures):
            summary = self._round(pictures)
        summary.found, summary.found_bytes, summary.skipped = coming.pictures, coming.size_bytes, coming.skipped
        return summary

    def _round(self, pictures: Iterable[Found | Trouble] | Callable[[], Iterable[Found | Trouble]]) -> ImportSummary:
        """Import under the lock, with a sink that is up to date."""
        self.waits_for = "turn"
        if not self._take_turn():
            return ImportSummary(interrupted=True)
        self.waits_for = "sink"
        if not self._is_recorded():
            return ImportSummary(interrupted=True)
        self.waits_for = None
        try:
            return run_import(
                self._plan, self._parts, self._wires.report, pictures() if callable(pictures) else pictures
            )
        finally:
            self._lock.release()

    def _take_turn(self) -> bool:
        return wait_for_turn(self._lock, self._patience)

    def _is_recorded(self) -> bool:
        return wait_until_recorded(self._log, self._known, self._asked.wait_s, self._patience)

    def _check_reserve(self, coming: Survey, finder: Finder) -> None:
        """Raises UserError if copying what is new would use the store's reserve.

        Most of a card may be known already; only a dry run can tell, and it reads every file, so it is done only if
        the disk is tight.
        """
        if self._plan.in_place or self._plan.dry_run:
            return
        free, reserve = self._store.free_bytes(), self._plan.reserve_bytes
        if free is None or free - coming.size_bytes >= reserve:
            return
        self._wires.report.say("[INFO] The store's disk is tight: reading all pictures once to see how much is new")
        plan = replace(self._plan, dry_run=True)
        new = run_import(plan, self._parts, self._wires.report, finder).imported_bytes
        if new and free - new < reserve:
            raise UserError(
                f"{new:,} bytes are new, but the store's disk has {free:,} left, of which {reserve:,} are its reserve",
                "make room, lower THUMPER_STORE_RESERVE_BYTES, or leave the pictures where they are: --in-place",
            )

    def _open_store(self) -> None:
        """A store is made only if no picture is known to lie in one: else its disk is not mounted."""
        if self._asked.dry_run or self._asked.in_place:
            return
        if self._known.any_stored():
            self._store.open()
        else:
            self._store.open_or_create()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


def state_places(settings: Settings, facts: Iterable[PlaceFact], clock: Clock) -> None:
    """Send facts and wait until the broker has them. Raises KafkaDown."""
    with Emitter(settings) as emitter:
        _state(facts, Delivery(emitter, Patience(clock, lambda: False, print, limit_s=30.0)))


def _state(facts: Iterable[PlaceFact], delivery: Delivery) -> None:
    for fact in facts:
        delivery.send("facts", fact, lambda: None)
    delivery.drain()
