"""`thumper rebuild`: the tables made again from the log."""

from typing import Annotated

import typer

from cli.parts import settings_for_parts
from thumper.clock import SystemClock
from thumper.settings import read_settings

WORD = "rebuild"


def rebuild_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait_s: Annotated[float, typer.Option(min=0, help="How long the sink may take to end.")] = 60.0,
    no_follow: Annotated[bool, typer.Option("--no-follow", help="Return once the sink has begun.")] = False,
) -> None:
    """Empty the tables and have the sink fill them again from the log, while all else runs.

    Meanwhile status counts pictures as arriving, and results come back as the sink gets to them. Only resets by hand
    are forgotten. A sink of the embedded stack is stopped and started by this; one that runs elsewhere is to be stopped
    first, and started again when this says so. Broken off, the same again begins anew.
    Exit code 0: done; 2: asked for wrongly; 3: Kafka or PostgreSQL does not answer; 130: no longer watched.
    """
    from cli.confirm import confirm
    from cli.rebuild_run import Rebuild, stopped_sink
    from cli.verify_report import say

    given = read_settings()
    with Rebuild(settings_for_parts(given), SystemClock(), say) as run:
        print("\n".join(run.plan()))
        if dry_run:
            return
        if not yes:
            confirm(WORD, "--yes")
        with stopped_sink(given, say):
            run.begin(wait_s)
        if no_follow:
            print("rebuild: the sink fills the tables; `thumper lag` shows how far it is")
            return
        try:
            run.follow()
        except KeyboardInterrupt:
            say("[INFO] No longer watched; the sink goes on. `thumper lag` shows how far it is")
            raise
        print(run.closing())
