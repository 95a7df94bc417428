"""`thumper verify` and `thumper repair`: is everything there, once, and right; and what the store has, told again."""

from typing import Annotated

import typer

from cli.parts import settings_for_parts
from thumper.clock import SystemClock
from thumper.settings import read_settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object; what is being done to standard error.")]


def verify_command(
    deep: Annotated[bool, typer.Option("--deep", help="Read every file in the store, and compare its hash.")] = False,
    as_json: AsJson = False,
    group: Annotated[str | None, typer.Option("--group", help="Look at this consumer group's passes only.")] = None,
) -> None:
    """Compare log, tables and store: nothing lost, nothing twice, every count right. Changes nothing.

    It may run at any time: what is merely on its way is told apart from what is wrong. Exit code 0: nothing is wrong;
    1: something is; 3: Kafka, PostgreSQL or the store does not answer.
    """
    from cli.verify_report import as_words, say_step, to_json
    from thumper.audit.audit import Asked, audit

    report = audit(settings_for_parts(read_settings()), Asked(deep, group), SystemClock(), say_step)
    print(to_json(report) if as_json else as_words(report))
    raise typer.Exit(0 if report.findings.clean else 1)


def repair_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Announce again the pictures that are in the store and that no event in the log names.

    Waits until the broker has them; a second run finds nothing left to do. Exit code 0: done; 1: done, but some files
    are no pictures of ours; 3: something needed went away.
    """
    from cli.repair_run import repair_store
    from cli.verify_report import repair_as_json, repair_as_words

    summary = repair_store(settings_for_parts(read_settings()), SystemClock(), dry_run)
    print(repair_as_json(summary) if as_json else repair_as_words(summary, dry_run))
    raise typer.Exit(summary.exit_code)
