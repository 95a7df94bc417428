"""`thumper retry`: failed pictures are pending again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated
from uuid import UUID

import typer

from cli.parts import settings_for_parts
from producers.requests import Desk, NotRecorded, Unknown
from producers.retry import Failed, Failure, Selection, failed, retry
from schemas.image import location_id
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.settings import Settings, read_settings

# A sink that has much to record is waited for so often; each time is 5 s.
MOST_WAITS = 12


def retry_command(
    error_class: Annotated[str | None, typer.Option("--error-class", help="Like missing, decode, crash.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Somewhere in the error message, in any case.")] = None,
    location: Annotated[str | None, typer.Option("--location", help="A location's name or id.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many; default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which and how many, and change nothing.")] = False,
) -> None:
    """Ask for failed pictures again: all, or those that meet all that is given. They are pending at once.

    Each is asked for once, however often this is called; what fails again counts as failed again. Exit code 2 if the
    location is not known.
    """
    selection = Selection(status="failed", location_id=_place(location), failure=Failure(error_class, text))
    with _desk(settings_for_parts(read_settings())) as desk:
        found = _found(selection, desk, location)
        print("\n".join(_lines(found)))
        if dry_run or not found.pictures:
            return
        print(f"{_ask(selection, found, desk, limit or found.pictures):,} pictures are pending again")


def _lines(found: Failed) -> list[str]:
    if not found.pictures:
        return ["no failed picture meets that"]
    return [
        f"{found.pictures:,} failed pictures",
        *(f"  {count:>8,}  {name}" for name, count in found.by_class.items()),
    ]


def _found(selection: Selection, desk: Desk, location: str | None) -> Failed:
    try:
        return failed(selection, desk)
    except Unknown:
        raise UserError(f"no location is called {location!r}", "`thumper status` lists them") from None


def _ask(selection: Selection, found: Failed, desk: Desk, most: int) -> int:
    asked = waits = 0
    while True:
        try:
            for queued in retry(selection, found, desk, "thumper retry", most - asked):
                asked, waits = asked + queued, 0
        except NotRecorded:
            waits += 1
            if waits >= MOST_WAITS:
                raise
            typer.echo("[INFO] Waiting for the sink", err=True)
        else:
            return asked


def _place(location: str | None) -> UUID | None:
    if location is None:
        return None
    try:
        return UUID(location)
    except ValueError:
        return location_id(location)


@contextmanager
def _desk(settings: Settings) -> Iterator[Desk]:
    clock = SystemClock()
    with ExitStack() as stack:
        engine = make_engine(settings, read_only=True)
        stack.callback(engine.dispose)
        lags = LagReader(settings, clock)
        stack.callback(lags.close)
        yield Desk(engine, lags, stack.enter_context(Emitter(settings, clock)), clock)
