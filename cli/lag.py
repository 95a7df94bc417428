"""`thumper lag`: how far each group is behind, and Burrow's words for it, by the API's window or one of its own."""

import urllib.request
from contextlib import closing
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.lag_watch import look_once
from api.lag_words import Windows
from api.responses import GroupPosition, Lag
from api.routes.lag import read_lag
from thumper.clock import SystemClock
from thumper.embedded.stack import connect
from thumper.errors import Retriable
from thumper.lag import LagReader
from thumper.settings import Settings, read_settings

# While somebody looks: a window of half a minute.
WATCH_EVERY_S = 2.0
WATCH_READINGS = 15
ASKED_WITHIN_S = 2.0
_STYLES = {"OK": "green", "WARN": "yellow", "REWIND": "cyan", "NOTFOUND": "dim"}
_NO_WORDS = "status: the API keeps it and does not answer; --watch keeps one of its own"


def lag_command(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay, renew every two seconds, judge by the last half minute.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The keys of the API's answer, as JSON.")] = False,
) -> None:
    """Show how far each consumer group is behind, by topic and partition, and whether it gets on (Burrow's words)."""
    settings, clock = connect(read_settings()), SystemClock()
    with closing(LagReader(settings, clock)) as lags:
        if watch:
            _watch(lags, clock, as_json)
            return
        found = with_words(read_lag(lags), words_of_api(settings))
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    Console().print(lag_table(found), *notes(found), sep="\n")


def words_of_api(settings: Settings) -> Lag | None:
    """What the API that these settings name answers; None if it does not within ASKED_WITHIN_S."""
    wildcard = settings.api_host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    host = "127.0.0.1" if wildcard else settings.api_host
    address = f"http://[{host}]" if ":" in host else f"http://{host}"
    try:
        with urllib.request.urlopen(f"{address}:{settings.api_port}/api/lag", timeout=ASKED_WITHIN_S) as answer:  # noqa: S310 - http, as built here
            return Lag.model_validate_json(answer.read())
    except (OSError, ValidationError, ValueError):
        return None


def with_words(found: Lag, words: Lag | None) -> Lag:
    """`found` with the words of `words`, where it has the same groups and partitions."""
    said = {} if words is None else {group.group: group for group in words.groups}
    groups = [group if (by := said.get(group.group)) is None else _worded(group, by) for group in found.groups]
    return found.model_copy(update={"groups": groups})


def _worded(group: GroupPosition, by: GroupPosition) -> GroupPosition:
    said = {(part.topic, part.partition): part.status for part in by.partitions}
    parts = [part.model_copy(update={"status": said.get((part.topic, part.partition))}) for part in group.partitions]
    return group.model_copy(update={"status": by.status, "complete": by.complete, "partitions": parts})


def _watch(lags: LagReader, clock: SystemClock, as_json: bool) -> None:
    windows = Windows(WATCH_READINGS)
    try:
        with Live(console=Console(), auto_refresh=False, transient=False) as live:
            while True:
                try:
                    look_once(lags, windows)
                    found = read_lag(lags, windows)
                    if as_json:
                        print(found.model_dump_json(), flush=True)
                    else:
                        live.update(Group(lag_table(found), *notes(found)), refresh=True)
                except Retriable as error:
                    live.update(Text(f"{error.message} - {error.hint}" if error.hint else error.message), refresh=True)
                clock.sleep(WATCH_EVERY_S)
    except KeyboardInterrupt:
        return


def lag_table(found: Lag) -> Table:
    """A line for each group, topic and partition."""
    shown = Table("group", "topic", "partition", "start", "committed", "end", "lag", box=None, pad_edge=False)
    for column in shown.columns[2:]:
        column.justify = "right"
    shown.add_column("status")
    for group in found.groups:
        for part in group.partitions:
            committed = "-" if part.committed is None else str(part.committed)
            cells = (str(part.partition), str(part.start), committed, str(part.end), str(part.lag))
            shown.add_row(group.group, part.topic, *cells, _word(part.status))
        shown.add_row(group.group, "all", "", "", "", "", str(group.lag), _word(group.status), style="bold")
    return shown


def notes(found: Lag) -> list[Text]:
    """What is to be known of the words."""
    if all(group.status is None for group in found.groups):
        return [Text(_NO_WORDS, style="dim")]
    seen = min((group.complete or 0.0 for group in found.groups), default=1.0)
    return [] if seen >= 1 else [Text(f"status: OK until a whole window was seen; {seen:.0%} of it was", style="dim")]


def _word(word: str | None) -> Text:
    return Text("-", style="dim") if word is None else Text(word, style=_STYLES.get(word, "bold red"))
