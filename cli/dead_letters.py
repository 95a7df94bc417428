"""`thumper dead-letters`: what could not be read, looked through, and sent again."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.parts import settings_for_parts
from thumper.clock import SystemClock
from thumper.errors import UserError
from thumper.settings import Settings, read_settings

if TYPE_CHECKING:
    from thumper.dead_letters import Letter
    from thumper.letter_box import Found, LetterBox, Wanted

app = typer.Typer(help="Messages that could not be read: list, show, send again, or let a paused group go on.")
BY = "thumper dead-letters"
MOST_ASKED = 1_000

Topic = Annotated[str | None, typer.Option("--topic", help="Only those that came from this topic.")]
Group = Annotated[str | None, typer.Option("--group", help="Only those that this consumer group refused.")]
ErrorClass = Annotated[str | None, typer.Option("--error-class", help="Only those of this error class.")]
Text = Annotated[str | None, typer.Option("--text", help="Only those with this in their reason or value.")]
Since = Annotated[datetime | None, typer.Option("--since", help="Only those since then, UTC: 2026-11-24T06:30:00.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_command(  # noqa: PLR0913, PLR0917 - one parameter of the command each
    topic: Topic = None,
    group: Group = None,
    error_class: ErrorClass = None,
    text: Text = None,
    since: Since = None,
    most: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST_ASKED, help="At most so many.")] = 20,
    before: Annotated[int | None, typer.Option("--before", min=0, help="Older ones than this letter.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show dead letters, the newest first."""
    wanted = _wanted(topic, group, error_class, text, since)
    with _box() as (_, box):
        found: list[Found] = []
        go_on = before
        while True:
            some, go_on = box.page(wanted, go_on, most - len(found))
            found += some
            if go_on is None or len(found) >= most:
                break
    if as_json:
        print(json.dumps({"items": [described(one) for one in found], "next": go_on}, indent=2))
        return
    _print(found)
    if go_on is not None:
        print(f"older ones: --before {go_on}")


@app.command("show")
def show_command(offset: Annotated[int, typer.Argument(min=0, help="Its number.")], as_json: AsJson = False) -> None:
    """Show one dead letter: where from, why, its headers, and its bytes as far as they print."""
    from thumper.dead_letters import shown

    with _box() as (_, box):
        found = box.get(offset)
    whole = {
        **described(found),
        "headers": {shown(name.encode()): shown(content) for name, content in found.letter.headers},
        "value": shown(found.letter.record.value),
    }
    if as_json:
        print(json.dumps(whole, indent=2))
        return
    value = whole.pop("value")
    for name, content in whole.items():
        print(f"{name:12} {json.dumps(content) if isinstance(content, dict) else content}")
    print(f"\n{value}")


@app.command("retry")
def retry_command(  # noqa: PLR0913, PLR0917 - one parameter of the command each
    offsets: Annotated[list[int] | None, typer.Argument(min=0, help="Their numbers.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that the options below choose.")] = False,
    topic: Topic = None,
    group: Group = None,
    error_class: ErrorClass = None,
    text: Text = None,
    since: Since = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent again already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which, and send nothing.")] = False,
) -> None:
    """Send messages again: to the topic that they came from, with their own key, bytes and headers.

    One counts as done when the broker has it. Interrupted, run it once more: nothing is lost, nothing counts twice.
    """
    if bool(offsets) == every:
        raise UserError("which letters?", "name them by number, or say --all (with --topic, --text, ... for less)")
    wanted = _wanted(topic, group, error_class, text, since)
    with _box() as (settings, box):
        chosen = (box.get(offset) for offset in offsets) if offsets else box.scan(wanted)
        _retry(settings, (one for one in chosen if again or not one.retried), dry_run)


@app.command("allow")
def allow_command(
    group: Annotated[str, typer.Option("--group", help="detector or sink.")] = "detector",
) -> None:
    """Let a group go on that waits because too much cannot be read: what is in the log now may become dead letters.

    Written to the log, so that a restart remembers it. It counts anew for what is written later.
    """
    from contextlib import closing

    from thumper.emitter import Emitter
    from thumper.lag import LagReader
    from thumper.letter_box import allow
    from thumper.topics import RECORDED, WORK

    topics = {"detector": WORK, "sink": RECORDED}.get(group)
    if topics is None:
        raise UserError(f"no group is called {group!r}", "there are detector and sink")
    settings = settings_for_parts(read_settings())
    with closing(LagReader(settings)) as lags, Emitter(settings) as emitter:
        count = allow(group, lags.ends(topics), emitter, SystemClock(), BY)
    print(f"{group} may go on: what it cannot read in {count} partitions, as they are now, becomes dead letters")


def _retry(settings: Settings, chosen: "Iterator[Found]", dry_run: bool) -> None:
    from thumper.dead_letters import sent_again
    from thumper.emitter import Emitter
    from thumper.letter_box import SENT_AT_ONCE, retry

    sent: set[object] = set()
    refused = 0
    with Emitter(settings) as emitter:
        while some := list(islice(chosen, SENT_AT_ONCE)):
            good: list[Letter] = []
            for found in some:
                try:
                    sent_again(found.letter)
                    # Several groups may have left a letter of one message.
                    if found.letter.origin not in sent:
                        sent.add(found.letter.origin)
                        good.append(found.letter)
                except UserError as error:
                    refused += 1
                    print(f"[WARN] {error.message}", file=sys.stderr)
            if not dry_run:
                retry(good, emitter, SystemClock(), BY)
    print(f"{len(sent)} messages {'would be sent' if dry_run else 'were sent again'}, {refused} cannot be")
    raise typer.Exit(1 if refused else 0)


def described(found: "Found") -> dict[str, Any]:
    """One letter for people and programs, without its value; all of it safe to print."""
    from thumper.dead_letters import shown

    letter = found.letter
    return {
        "number": letter.record.offset,
        "at": datetime.fromtimestamp(letter.record.timestamp_ms / 1_000, UTC).isoformat(timespec="seconds"),
        "from": shown(str(letter.origin).encode()) if letter.origin else None,
        "group": shown(letter.group.encode()),
        "stage": shown(letter.stage.encode()),
        "error_class": shown(letter.error_class.encode()),
        "reason": shown(letter.reason.encode()),
        "key": shown(letter.record.key, 1_000),
        "value_bytes": letter.value_bytes,
        "cut": list(letter.cut),
        "retried": found.retried,
    }


def _print(found: "list[Found]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Words

    table = Table("number", "at", "from", "group", "class", "bytes", "sent again", "reason", box=None, pad_edge=False)
    for one in map(described, found):
        cells = (one["number"], one["at"], one["from"] or "?", one["group"], one["error_class"], one["value_bytes"])
        table.add_row(*(Words(str(cell)) for cell in cells), "yes" if one["retried"] else "", Words(one["reason"]))
    Console().print(table)


def _wanted(
    topic: str | None, group: str | None, error_class: str | None, text: str | None, since: datetime | None
) -> "Wanted":
    from thumper.letter_box import Wanted

    at = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    return Wanted(topic, group, error_class, text, at)


@contextmanager
def _box() -> "Iterator[tuple[Settings, LetterBox]]":
    from thumper.letter_box import LetterBox

    settings = settings_for_parts(read_settings())
    with LetterBox(settings, SystemClock()) as box:
        yield settings, box
