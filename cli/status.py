"""`thumper status`: what the API answers, in the terminal, read from log and tables directly."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from api.queries import Row, snapshot
from api.responses import FullStatus, LocationNumbers
from api.routes.status import full_status
from api.snapshot import StatusReader
from api.status import STUCK_AFTER_S
from api.workers import BeatReader
from schemas.alert import Alert
from thumper.alerts import raised_alerts
from thumper.clock import Clock, SystemClock
from thumper.database import make_engine
from thumper.embedded.stack import connect
from thumper.errors import Retriable, UserError
from thumper.lag import LagReader
from thumper.settings import Settings, read_settings

WATCH_EVERY_S = 1.0
# Long enough to smooth batches and imports out, short enough to show that something has changed.
RATE_OVER_S = 60.0
NUMBERS = ("total", "pending", "processing", "completed", "failed")
_STYLES = {"Stuck": "bold red", "Paused": "yellow", "Active": "green", "Replaying": "cyan", "Idle": "dim"}

AsJson = Annotated[bool, typer.Option("--json", help="The keys of the API's answer, as JSON.")]


def status_command(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay, renew every second, show rate and time left.")
    ] = False,
    as_json: AsJson = False,
    location: Annotated[str | None, typer.Option(help="Only this location, by name or id.")] = None,
) -> None:
    """Show how many pictures wait, are in hand, completed and failed."""
    settings, clock = connect(read_settings()), SystemClock()
    with _opened(settings, clock) as source:
        if not watch:
            source.catch_up()
            _print(source.read(), location, as_json)
            if not as_json:
                print_alerts(raised_alerts(settings, clock))
            return
        source.follow()
        try:
            _watch(source, clock, location, as_json)
        except KeyboardInterrupt:
            return


def print_alerts(alerts: Sequence[Alert]) -> None:
    """A line for each, and one for what to do."""
    for alert in alerts:
        Console().print(Text(f"{alert.name}: {alert.summary}", style="bold red"))
        if alert.action:
            Console().print(Text(f"  {alert.action}"))


class Rate:
    """Pictures a minute over the last minute, from differences."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, finished: int) -> None:
        """Note that `finished` pictures are completed or failed now. Fewer than before (a replay) start anew."""
        if self._seen and finished < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, finished))
        while now_s - self._seen[0][0] > RATE_OVER_S:
            self._seen.popleft()

    def per_minute(self) -> float:
        """0.0 until two readings differ in time."""
        (first_s, before), (last_s, after) = self._seen[0], self._seen[-1]
        return (after - before) / (last_s - first_s) * 60 if last_s > first_s else 0.0

    def left_s(self, waiting: int) -> float | None:
        """Seconds until `waiting` pictures are done at this rate; None if nothing moves."""
        rate = self.per_minute()
        return waiting / rate * 60 if rate > 0 else None


@dataclass
class Source:
    """Where status is read from."""

    engine: Engine
    reader: StatusReader
    beats: BeatReader
    clock: Clock

    def catch_up(self) -> None:
        """Take in heartbeats once, and how long nothing has happened: one reading alone cannot see five minutes."""
        self.beats.catch_up()
        with snapshot(self.engine) as tables:
            newest = tables.row("newest_event")
        if newest is None or newest["log_ms"] is None:
            return
        quiet_s = self.clock.wall().timestamp() - newest["log_ms"] / 1_000
        # A group that was set back may have been so a moment ago, however old the newest event is.
        if quiet_s >= STUCK_AFTER_S and self.reader.read().status.state != "Replaying":
            self.reader.stalled_since_s = self.clock.now_s() - quiet_s

    def follow(self) -> None:
        """Take in heartbeats from now on."""
        self.beats.start()

    def read(self) -> FullStatus:
        """Raises KafkaDown, DatabaseDown or LogMismatch."""
        now = self.reader.read().status
        with snapshot(self.engine) as tables:
            places: list[Row] = [*tables.rows("locations")]
        return full_status(now, places)


@contextmanager
def _opened(settings: Settings, clock: Clock) -> Iterator[Source]:
    engine = make_engine(settings, read_only=True)
    beats, lags = BeatReader(settings, clock), LagReader(settings, clock)
    try:
        yield Source(engine, StatusReader(engine, lags, beats.beats, clock), beats, clock)
    finally:
        beats.close()
        lags.close()
        engine.dispose()


def _print(found: FullStatus, location: str | None, as_json: bool) -> None:
    if as_json:
        answer = found if location is None else chosen(found, location)
        print(json.dumps(answer.model_dump(mode="json"), indent=2))
        return
    Console().print(table(found, location), summary(found, None))


def _watch(source: Source, clock: Clock, location: str | None, as_json: bool) -> None:
    rate = Rate()
    with Live(console=Console(), auto_refresh=False, transient=False) as live:
        while True:
            try:
                found = source.read()
                rate.add(clock.now_s(), found.completed + found.failed)
                if as_json:
                    print(found.model_dump_json(), flush=True)
                else:
                    live.update(Group(table(found, location), summary(found, rate)), refresh=True)
            except Retriable as error:
                live.update(Text(f"{error.message} - {error.hint}" if error.hint else error.message), refresh=True)
            clock.sleep(WATCH_EVERY_S)


def chosen(found: FullStatus, location: str) -> LocationNumbers:
    """The numbers of the place with this name or id. Raises UserError."""
    for place in found.locations:
        if location in (place.name, str(place.location_id)):
            return place
    known = ", ".join(place.name for place in found.locations if place.name) or "none yet"
    raise UserError(f"no location is called {location!r}", f"known: {known}")


def table(found: FullStatus, location: str | None = None) -> Table:
    """A line for each place, and one for all."""
    shown = Table("location", *(name for name in NUMBERS), "done", box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    places = found.locations if location is None else [chosen(found, location)]
    for place in places:
        shown.add_row(Text(place.name or "(no location)"), *_cells(place))
    if location is None:
        if found.unregistered:
            shown.add_row("(arriving)", str(found.unregistered), str(found.unregistered), "", "", "", "")
        shown.add_row("all", *_cells(found), style="bold")
    return shown


def _cells(numbers: FullStatus | LocationNumbers) -> list[str]:
    return [*(str(getattr(numbers, name)) for name in NUMBERS), f"{numbers.completion_rate:.1f} %"]


def summary(found: FullStatus, rate: Rate | None) -> Text:
    """State and lag in a line; while watching also the rate and the time left."""
    line = Text(found.state, style=_STYLES[found.state])
    line.append(f" · lag {found.lag}", style="default")
    if rate is not None:
        left_s = rate.left_s(found.pending + found.processing)
        line.append(f" · {rate.per_minute():,.0f} pictures a minute", style="default")
        line.append(f" · {duration(left_s)} left" if left_s else "", style="default")
    return line


def duration(seconds: float) -> str:
    """Like `2 h 05 min`, `3 min 20 s`, `8 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
