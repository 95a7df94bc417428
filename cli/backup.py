"""`thumper backup` and `thumper restore`: the store and the log in a folder, and back."""

from pathlib import Path
from typing import Annotated

import typer

from cli.parts import settings_for_parts
from thumper.clock import SystemClock
from thumper.settings import read_settings

WORD = "restore"
Folder = Annotated[Path, typer.Argument(help="The backup's folder.", file_okay=False)]


def backup_command(folder: Folder) -> None:
    """Bring the backup in a folder up to now, while everything runs: pictures, and the events from which all follows.

    What is there already is not copied again. Broken off, the folder still holds the last complete backup, and the same
    command goes on. Not in it: settings, passwords, weights, and originals that were imported in place.
    Exit code 0: done; 2: asked for wrongly; 3: Kafka or the store does not answer.
    """
    from cli.verify_report import say
    from thumper.backup.taking import take_backup

    found = take_backup(settings_for_parts(read_settings()), folder, SystemClock(), say)
    print(f"backup: {found.records:,} events and {found.files:,} files in {folder}")


def restore_command(
    folder: Folder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds until a part must be ready.")] = 120.0,
) -> None:
    """Put a backup back, into a Kafka that holds no pictures yet: store, log, groups, and from them the tables.

    The embedded stack is started for it; of servers of your own, no part of this system may run. Each event gets the
    offset and the time that it had, so nothing is processed again. Broken off, nothing starts on it, and the same
    command begins anew. Exit code 0: done; 2: asked for wrongly; 3: something needed does not answer; 130: interrupted.
    """
    from cli.backup_run import Restore
    from cli.confirm import confirm
    from cli.verify_report import say

    with Restore(read_settings(), folder, SystemClock(), say) as run:
        print("\n".join(run.plan()))
        if not yes:
            confirm(WORD, "--yes")
        run.all()
        print(run.finish(timeout_s))
