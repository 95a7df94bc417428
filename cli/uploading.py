"""Uploads to the API, on the way of `thumper import`: the same lock, the same look-up, the same store and events."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from api.uploads import ImportBusy, Refused, Taken
from cli.import_run import Asked, ImportRun, WaitsFor, Wires
from producers.find import open_source
from producers.names import MAX_NAME_CHARS, display
from producers.tally import ImportSummary
from thumper.clock import Clock
from thumper.errors import StoreDown, UserError
from thumper.settings import Settings

log = structlog.get_logger("thumper")
# Whoever uploads waits so long for an import that runs, and for a sink that is behind; then hears that it is so.
BEGINS_WITHIN_S = 20.0
# A folder's own name becomes part of what a picture is remembered by, so it is the same for all uploads.
FOLDER = "upload"


class FolderUploads:
    """Takes pictures in (api.uploads.Uploads)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._base = settings.data_dir / "uploads"

    def sweep(self) -> None:
        """See Uploads."""
        for left in self._base.glob("*"):
            shutil.rmtree(left, ignore_errors=True)

    def folder(self) -> Path:
        """A new folder below the data folder, on the disk that is meant for data."""
        self._base.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self._base))

    def take(self, folder: Path, location: str) -> Taken:
        """Import all that lies in `folder`. Raises ImportBusy, StoreDown, KafkaDown, DatabaseDown, UserError."""
        inner = folder / FOLDER
        names = [path for path in folder.iterdir() if path.is_file()]
        inner.mkdir()
        for path in names:
            path.rename(inner / path.name)
        if not names:
            return Taken(0, 0, 0, ())
        return self._import(inner, _place(location))

    def _import(self, folder: Path, location: str) -> Taken:
        source = open_source(os.fsencode(folder))
        report = _Log()
        give_up_s = self._clock.now_s() + BEGINS_WITHIN_S
        wires = Wires(self._clock, report, lambda: not report.begun and self._clock.now_s() >= give_up_s)
        asked = Asked((source,), location, wait_s=BEGINS_WITHIN_S)
        with ImportRun(self._settings, asked, wires) as run:
            summary = run.all([])
        return taken(summary, run.waits_for)


_AGAIN = "upload the same pictures again"
_WAITED: dict[WaitsFor | None, tuple[str, str]] = {
    "turn": ("another import is running", "upload again when it has ended"),
    "sink": (
        "the sink has not recorded yet what was imported before",
        "`thumper check` says whether it runs; upload again when it has",
    ),
    None: (f"the import did not begin within {BEGINS_WITHIN_S:.0f} s", _AGAIN),
}


def taken(summary: ImportSummary, waits_for: WaitsFor | None) -> Taken:
    """What the API tells of an import. Pure. Raises ImportBusy, StoreDown."""
    if summary.interrupted and not summary.settled:
        raise ImportBusy(*_WAITED[waits_for])
    if summary.stopped_because is not None:
        raise StoreDown(f"the import stopped: {summary.stopped_because}", _AGAIN)
    refused = tuple(Refused(Path(one.path).name, one.reason) for one in summary.complaints)
    return Taken(summary.imported, summary.known + summary.further_places, summary.removed, refused)


def _place(name: str) -> str:
    shown = display(os.fsencode(name)).strip()
    if not shown or len(shown) > MAX_NAME_CHARS:
        raise UserError(f"a location has a name of 1 to {MAX_NAME_CHARS} characters")
    return shown


class _Log:
    """What an import says, in the API's log. begun: pictures are being taken in."""

    def __init__(self) -> None:
        self.begun = False

    def say(self, line: str) -> None:
        """One line."""
        log.info("upload", said=line)

    def progress(self, done: int, read_bytes: int) -> None:
        """Nobody sees it."""
        self.begun = True

    @contextmanager
    def running(self, total: int) -> Iterator[None]:
        """While pictures are imported."""
        yield
