"""What an import prints: the lines that operators' scripts look for, a progress bar or plain lines, the summary."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from producers.tally import ImportSummary
from thumper.clock import Clock

# In a pipe, a line of progress at most this often.
LINE_EVERY_S = 5.0
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class ImportReport:
    """Prints to standard output, or with `machine` to standard error, which leaves the former to one JSON object."""

    def __init__(self, clock: Clock, *, machine: bool = False) -> None:
        self._console = Console(file=sys.stderr if machine else sys.stdout, emoji=False, markup=False, highlight=False)
        self._clock = clock
        self._machine = machine
        self._total = 0
        self._started_s = self._told_s = clock.now_s()
        self._bar: tuple[Progress, TaskID] | None = None

    def say(self, line: str) -> None:
        """One line, whatever it holds."""
        self._console.print(line, soft_wrap=True)

    def progress(self, done: int, read_bytes: int) -> None:
        """Move the bar; in a pipe, a line now and then."""
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=done, read=size_words(read_bytes))
        elif self._total and self._clock.now_s() - self._told_s >= LINE_EVERY_S:
            self._told_s = self._clock.now_s()
            self.say(f"[INFO] {done:,} of {self._total:,} pictures, {self._time_left(done)}")

    @contextmanager
    def running(self, total: int) -> Iterator[None]:
        """While pictures are imported. total: how many are coming; 0: nobody knows."""
        self._total = total
        self._started_s = self._told_s = self._clock.now_s()
        if not (self._console.is_terminal and total):
            yield
            return
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[read]}"), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            self._bar = (bar, bar.add_task("pictures", total=total, read=""))
            try:
                yield
            finally:
                self._bar = None

    def summary(self, summary: ImportSummary, *, dry_run: bool) -> None:
        """The end of it."""
        if self._machine:
            print(json.dumps(as_json(summary, dry_run=dry_run), ensure_ascii=True))
        for line in summary_lines(summary, dry_run=dry_run):
            self.say(line)

    def _time_left(self, done: int) -> str:
        passed_s = self._clock.now_s() - self._started_s
        if not done or not passed_s:
            return "time left unknown"
        rate = done / passed_s
        return f"{rate:,.0f} a second, {max(0, self._total - done) / rate:,.0f} s left"


def summary_lines(summary: ImportSummary, *, dry_run: bool) -> Iterator[str]:
    """The lines that end an import."""
    yield f"[INFO] Already have {summary.known + summary.further_places} images in database"
    yield f"[OK] Total new imports: {summary.imported}" + (" (dry run: nothing was imported)" if dry_run else "")
    if summary.interrupted:
        yield f"[WARN] interrupted: {summary.imported} imported; run the same command again to go on"
    if summary.stopped_because is not None:
        yield f"[ERROR] stopped: {summary.stopped_because}; run the same command again to go on"
    if summary.not_in_log:
        yield f"[WARN] {summary.not_in_log} events are not acknowledged and not counted; the next import sends them"
    if summary.imported:
        none = summary.imported - summary.exif_times - summary.filename_times
        yield (
            f"[INFO] Capture time: {_share(summary.exif_times, summary)} from EXIF,"
            f" {_share(summary.filename_times, summary)} from file names, {_share(none, summary)} without"
        )
    if summary.further_places:
        yield f"[INFO] {summary.further_places} further places of known pictures"
    if summary.removed:
        yield f"[WARN] {summary.removed} pictures were removed before, and stay out (--even-removed brings them back)"
    if summary.skipped.other_files or summary.skipped.hidden:
        yield (
            f"[INFO] Passed over: {summary.skipped.other_files} other files (not a picture by their name),"
            f" {summary.skipped.hidden} hidden"
        )
    if summary.skipped.repeated_folders:
        yield f"[INFO] {summary.skipped.repeated_folders} links to folders that were already gone through"
    seconds = max(summary.seconds, 1e-3)
    yield (
        f"[INFO] {size_words(summary.read_bytes)} read in {summary.seconds:.1f} s:"
        f" {summary.settled / seconds:,.0f} pictures and {size_words(round(summary.read_bytes / seconds))} a second"
    )
    if summary.unreadable:
        yield f"[WARN] {summary.unreadable} files were not imported:"
        yield from (f"       {one.path}: {one.reason}" for one in summary.complaints)
        if summary.unreadable > len(summary.complaints):
            yield f"       and {summary.unreadable - len(summary.complaints)} more"


def as_json(summary: ImportSummary, *, dry_run: bool) -> dict[str, object]:
    """The summary as one object: numbers are pictures, bytes or seconds as their names say."""
    seconds = max(summary.seconds, 1e-3)
    return asdict(summary) | {
        "locations": dict(summary.locations),
        "dry_run": dry_run,
        "exit_code": summary.exit_code,
        "pictures_per_second": round(summary.settled / seconds, 1),
        "read_bytes_per_second": round(summary.read_bytes / seconds),
    }


def size_words(size_bytes: int) -> str:
    """Bytes for people: decimal units, three digits."""
    size, unit = float(size_bytes), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1_000, unit + 1
    return f"{size:.{0 if unit == 0 else 2 if size < 10 else 1 if size < 100 else 0}f} {_UNITS[unit]}"


def _share(part: int, summary: ImportSummary) -> str:
    return f"{100 * part / summary.imported:.1f} %"
