"""`thumper import` and `thumper locations`: what they are asked, and what is refused before anything is connected."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli.parts import settings_for_parts
from thumper.clock import SystemClock
from thumper.errors import UserError
from thumper.settings import Settings, read_settings

if TYPE_CHECKING:
    from producers.find import Source

WAIT_S = 60.0


def import_command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    # readable: not asked by Typer, so that `open_source` says what is wrong and what to do.
    folders: Annotated[
        list[Path], typer.Argument(readable=False, help="Folders; each of their sub-folders is a location.")
    ],
    location: Annotated[str | None, typer.Option(help="One location for all pictures below the folders.")] = None,
    locations: Annotated[Path | None, typer.Option(help="CSV of locations and deployments to state first.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Do not copy: only under THUMPER_ROOTS.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count, but copy and send nothing.")] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Go on and import what arrives.")] = False,
    wait_s: Annotated[float, typer.Option(min=0, help="Patience with a sink that records nothing.")] = WAIT_S,
    threads: Annotated[
        int | None, typer.Option(min=1, max=64, help="Threads that read and write files; more for slow networks.")
    ] = None,
    even_removed: Annotated[bool, typer.Option("--even-removed", help="Also what `thumper remove` took away.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object; all else to standard error.")] = False,
) -> None:
    """Import pictures: copy them into the store, then tell the log. What is known already is not imported twice.

    Links to folders are followed, but no folder is gone through twice. Exit code 0: all done; 1: done, but some files
    could not be imported; 2: asked for wrongly; 3: something needed went away; 130: interrupted.
    """
    # Here, so that other commands start without the libraries that pictures need.
    from cli.import_report import ImportReport
    from cli.import_run import Asked, ImportRun, Wires
    from producers.places import read_places

    warnings.filterwarnings("ignore", module="PIL")  # broken pictures are the detector's business
    clock = SystemClock()
    names = tuple(os.fsencode(folder) for folder in folders)
    sources = sources_of(names)
    settings = read_settings()
    if in_place:
        check_roots(settings, names)
    asked = Asked(sources, _location_name(location), in_place, dry_run, watching, wait_s, threads, even_removed)
    facts = read_places(locations, clock.wall()) if locations else []
    report = ImportReport(clock, machine=json_output)
    with (
        interruptible(report.say) as stopped,
        ImportRun(settings_for_parts(settings), asked, Wires(clock, report, stopped)) as run,
    ):
        summary = run.all(facts)
    report.summary(summary, dry_run=dry_run)
    raise typer.Exit(summary.exit_code)


def locations_command(
    csv: Annotated[Path, typer.Argument(help="Columns: name, latitude, longitude, camera, from, to, clock offset.")],
) -> None:
    """State where locations are, and which camera stood there when, from a CSV file."""
    from cli.import_run import state_places
    from producers.places import read_places

    clock = SystemClock()
    facts = read_places(csv, clock.wall())
    state_places(settings_for_parts(read_settings()), facts, clock)
    print(f"[OK] Stated {len(facts)} locations and deployments from {csv}")


def check_roots(settings: Settings, folders: Iterable[bytes]) -> None:
    """Raises UserError with the setting to add, unless all folders lie under configured roots."""
    roots = [root.absolute() for root in settings.roots]
    absolute = [Path(os.fsdecode(folder)).absolute() for folder in folders]
    outside = [folder for folder in absolute if not any(folder.is_relative_to(root) for root in roots)]
    if outside:
        setting = ":".join(str(folder) for folder in [*roots, *outside])
        raise UserError(
            f"--in-place is only for folders under a configured root, and {outside[0]} is not",
            f"add this line to .env, and restart the detectors: THUMPER_ROOTS={setting}",
        )


@contextmanager
def interruptible(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """SIGINT and SIGTERM ask for an orderly end; asked twice, it ends at once."""
    asked = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        if asked.is_set():
            os._exit(128 + number)
        asked.set()
        say("[INFO] Ending: finishing what is in hand (again: at once)")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sources_of(folders: Iterable[bytes]) -> "tuple[Source, ...]":
    """The folders as sources. Raises UserError for one that is not there or cannot be read."""
    from producers.find import open_source

    return tuple(open_source(folder) for folder in folders)


def _location_name(name: str | None) -> str | None:
    from producers.names import MAX_NAME_CHARS, display

    if name is None:
        return None
    shown = display(os.fsencode(name)).strip()
    if not shown or len(shown) > MAX_NAME_CHARS:
        raise UserError(f"--location needs a name of 1 to {MAX_NAME_CHARS} characters")
    return shown
