"""`thumper check`: is everything there that is needed, is it set as it should be, and what is to be done about it."""

import json
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import check_parts
from thumper.clock import Clock, SystemClock
from thumper.cluster import view_cluster
from thumper.errors import UserError
from thumper.probe import Finding, judge_cluster
from thumper.settings import Settings, read_settings

# Beyond every time-out inside; a mount that hangs does not answer at all.
PATIENCE_S = 12.0
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}

Check = Callable[[], Iterator[Finding]]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: {ok, findings: [{state, part, found, advice}]}.")]


def check_command(as_json: AsJson = False) -> None:
    """Test what is needed: Kafka, PostgreSQL, the store, disks, roots, weights; say what to do about each.

    Exit code 0: nothing failed (there may be warnings); 1: something failed.
    """
    findings = check(read_settings(), SystemClock())
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        print(json.dumps({"ok": not failed, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        Console().print(table(findings))
    raise typer.Exit(int(failed))


def check(settings: Settings, clock: Clock, patience_s: float = PATIENCE_S) -> list[Finding]:
    """All checks at once; their findings in the order of the checks. Raises nothing."""
    return run_checks(checks(settings), clock, patience_s)


def checks(settings: Settings) -> dict[str, Check]:
    """The checks by part. Where the embedded stack is meant and does not run, its parts' checks say so."""
    connected, nothing_runs = settings, None
    try:
        connected = _connected(settings)
    except UserError as error:
        nothing_runs = error
    found: dict[str, Check] = {
        "Kafka": lambda: judge_cluster(connected, view_cluster(connected)),
        "PostgreSQL": lambda: check_parts.check_database(connected),
        "Store": lambda: check_parts.check_store(connected),
        "Data folder": lambda: check_parts.check_folders(connected),
        "Weights": lambda: check_parts.check_weights(connected),
        "API": lambda: check_parts.check_api(connected),
    }
    if nothing_runs is not None:
        meant = {"Kafka": settings.kafka_bootstrap is None, "PostgreSQL": settings.database_url is None}
        found |= {part: _raising(nothing_runs) for part, is_meant in meant.items() if is_meant}
    return found


def _connected(settings: Settings) -> Settings:
    from cli.parts import settings_for_parts

    return settings_for_parts(settings)


def _raising(error: Exception) -> Check:
    def refuse() -> Iterator[Finding]:
        raise error

    return refuse


def run_checks(checks: dict[str, Check], clock: Clock, patience_s: float) -> list[Finding]:
    """Run all in threads that nobody waits for longer than `patience_s` seconds."""
    answers: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()

    def run(part: str, check: Check) -> None:
        found: list[Finding] = []
        try:
            found.extend(check())
        except Exception as error:  # whatever it is, the other parts are to be told too
            found.append(check_parts.as_finding(part, error))
        answers.put((part, found))

    for part, check in checks.items():
        threading.Thread(target=run, args=(part, check), name=f"check {part}", daemon=True).start()
    until_s = clock.now_s() + patience_s
    found: dict[str, list[Finding]] = {}
    while len(found) < len(checks):
        try:
            part, findings = answers.get(timeout=max(0.0, until_s - clock.now_s()))
        except queue.Empty:
            break
        found[part] = findings
    silent = Finding("fail", "", f"no answer within {patience_s:.0f} s", "does it hang? a disk that does not answer?")
    return [
        finding for part in checks for finding in found.get(part, [Finding("fail", part, silent.found, silent.advice)])
    ]


def table(findings: Sequence[Finding]) -> Table:
    """A line for each finding."""
    shown = Table("", "part", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        shown.add_row(
            Text(finding.state, style=_STYLES[finding.state]),
            Text(finding.part),
            Text(finding.found),
            Text(finding.advice),
        )
    return shown
