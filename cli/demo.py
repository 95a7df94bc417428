"""`thumper demo`: the whole way of a picture on this machine, from a card to pictures with boxes on them."""

import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from thumper.clock import SystemClock
from thumper.embedded.stack import EmbeddedStack
from thumper.errors import UserError
from thumper.settings import Settings, read_settings

if TYPE_CHECKING:
    from cli.demo_result import Result

LOCATIONS = ("Hayfield", "270_Jason", "Sanctuary")
PICTURES = 300
SEED = 2026

console = Console(emoji=False, highlight=False, markup=False, soft_wrap=True)


def demo_command(
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Your own pictures instead of rendered ones.")
    ] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="Your own model (.onnx; .pt with torch).")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running, to look around.")] = False,
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo keeps its things.")] = Path("demo"),
) -> None:
    """Import, detect, record, look: on 300 rendered pictures, or on your own. Each run begins anew."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.filterwarnings("ignore", module="PIL")  # broken pictures are the detector's business
    if pictures is not None:
        _check_card(pictures)
    place = Place.of(folder)
    settings = _settings(place.data, weights)
    with _fresh_stack(place, settings, keep) as connected:
        card = pictures or _rendered(place.card)
        _import(connected, card)
        problem = _finish(connected, place, None if pictures else card)
        if keep:
            _say_how_to_go_on(connected, place)
    if problem:
        raise typer.Exit(1)


def _check_card(card: Path) -> None:
    from cli.importing import sources_of
    from producers.find import Finder, survey

    advice = "give a folder of pictures: make demo PICTURES=folder"
    if not card.is_dir():
        raise UserError(f"there is no folder {card}", advice)
    if not survey(Finder([source.folder for source in sources_of([os.fsencode(card)])], None)).pictures:
        raise UserError(f"no picture is in {card}: JPEG, PNG, TIFF, WebP and HEIC are looked for", advice)


@dataclass(frozen=True)
class Place:
    """Where things lie: card (rendered, kept for the next run), data (made anew), pictures (the result)."""

    card: Path
    data: Path
    pictures: Path

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """In this folder, which is made."""
        base = folder.absolute()
        base.mkdir(parents=True, exist_ok=True)
        return cls(base / "card", base / "data", base / "pictures")


def _settings(data: Path, weights: Path | None) -> Settings:
    """Those of the user, but always an embedded stack of the demo's own."""
    found = read_settings(data_dir=data, weights=weights.absolute() if weights else None)
    own = {"kafka_bootstrap": None, "database_url": None, "store": None, "topic_prefix": "", "group_prefix": ""}
    return found.model_copy(update={name: value for name, value in own.items() if name in found.model_fields_set})


@contextmanager
def _fresh_stack(place: Place, settings: Settings, keep: bool) -> Iterator[Settings]:
    """A stack with nothing in it; stopped at the end, however it ends, unless it is to be kept and all went well."""
    from cli.wiring import weights_of
    from processors.detector.model import describe

    describe(weights_of(settings))  # refused before anything is started
    stack = EmbeddedStack(place.data, say=lambda line: console.print(f"  {line[:1].lower()}{line[1:]}", style="dim"))
    if place.data.exists():
        stack.stop()
        stack.remove()
    console.print("Starting Apache Kafka, PostgreSQL, sink, detector, monitor and API")
    started_s = SystemClock().now_s()
    done = False
    try:
        yield _started(stack, settings, started_s)
        done = True
    finally:
        if not (keep and done):
            stack.stop()


def _started(stack: EmbeddedStack, settings: Settings, started_s: float) -> Settings:
    from cli.wiring import before_apps

    connected = stack.start(settings, before_apps=before_apps)
    console.print(f"Ready after {SystemClock().now_s() - started_s:.0f} s: http://127.0.0.1:{connected.api_port}")
    return connected


def _rendered(card: Path) -> Path:
    """The rendered card: made once, then taken as it is."""
    from models.scenes import write_card

    made = card / "made"
    recipe = f"{PICTURES} pictures, seed {SEED}, {len(LOCATIONS)} locations"
    if not (made.exists() and made.read_text() == recipe):
        shutil.rmtree(card, ignore_errors=True)
        with _bar("Rendering trail-camera pictures", PICTURES) as move:
            write_card(card, LOCATIONS, PICTURES, SEED, lambda done, _: move(done), workers=min(4, os.cpu_count() or 1))
        made.write_text(recipe)
    return card


def _import(settings: Settings, card: Path) -> None:
    from cli.import_report import ImportReport
    from cli.import_run import Asked, ImportRun, Wires
    from cli.importing import interruptible, sources_of

    console.print(f"Importing {card}")
    clock = SystemClock()
    report = ImportReport(clock)
    with (
        interruptible(report.say) as stopped,
        ImportRun(settings, Asked(sources_of([os.fsencode(card)])), Wires(clock, report, stopped)) as run,
    ):
        summary = run.all([])
    report.summary(summary, dry_run=False)
    if summary.interrupted:
        raise KeyboardInterrupt


def _finish(settings: Settings, place: Place, card: Path | None) -> bool:
    """Wait until all is recorded, show what was found; whether something does not add up."""
    from cli.demo_result import read_result, wait_until_done
    from cli.gallery import write_gallery

    status = wait_until_done(settings, _bar)
    result = read_result(settings, status)
    console.print(_numbers(result))
    if card is not None:
        console.print(result.truth_line(card / "truth.json"))
    shown = write_gallery(settings, place.pictures)
    console.print(f"Pictures with boxes: {place.pictures}{os.sep}index.html ({shown} of them)")
    for line in result.disagreements():
        console.print(f"demo: {line}", style="bold red")
    numbers = result.status
    console.print(
        f"demo: {numbers.total} pictures, {numbers.completed} completed, {numbers.failed} failed, lag {result.lag}"
    )
    return bool(result.disagreements())


def _numbers(result: "Result") -> Table:
    shown = Table("location", "pictures", "completed", "failed", "with animals", box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in result.locations:
        shown.add_row(row.name, str(row.pictures), str(row.completed), str(row.failed), str(row.with_boxes))
    return shown


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar with time left on a terminal; in a pipe a line at the start and one at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not console.is_terminal:
        console.print(f"{title}: {total}")
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def _say_how_to_go_on(settings: Settings, place: Place) -> None:
    command = Path(sys.argv[0])
    here = f"THUMPER_DATA_DIR={place.data}"
    console.print(f"Still running: http://127.0.0.1:{settings.api_port}  (status: /api/processing/status, API: /docs)")
    console.print(f"Look:  {here} {command} status    {here} {command} ps")
    console.print(f"Stop:  {here} {command} down")
