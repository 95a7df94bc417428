"""`thumper skip`: what waits for a group is passed over, and can be taken back."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Annotated

import typer

from cli.confirm import confirm
from cli.parts import settings_for_parts
from schemas.control import OffsetsSkipped
from thumper.clock import SystemClock
from thumper.emitter import Emitter
from thumper.emptied import GroupControl, Pause
from thumper.errors import UserError
from thumper.groups import refuse_unknown
from thumper.lag import LagReader
from thumper.settings import read_settings
from thumper.skip import BY, Skipper, count


def skip_command(
    group: Annotated[str, typer.Argument(help="detector.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take the last one back: what was skipped waits again.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Pause the group meanwhile, if it is active.")] = False,
    wait_s: Annotated[float, typer.Option("--wait-s", min=0, help="Seconds to wait until it has left.")] = 60.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much, and change nothing.")] = False,
    yes: Annotated[str | None, typer.Option("--yes", help="The group's name, instead of typing it.")] = None,
) -> None:
    """Pass over what waits for a group without doing it. From where is kept in the log; --undo takes it back.

    The pictures stay pending and `thumper verify` names them as lost, until they are asked for or it is taken back.
    """
    _refuse(group)
    # What was paused goes on, however this ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _skipper(group) as skipper:
        skipped = skipper.newest().skipped if undo else skipper.look()
        print("\n".join(_lines(group, skipped)))
        if dry_run or not skipped:
            return
        if yes is None:
            confirm(group, f"--yes {group}")
        elif yes != group:
            raise UserError(f"the group is {group}, not {yes}; nothing was changed")
        print(_undo(skipper, pause, wait_s) if undo else _skip(skipper, pause, wait_s))


def _skip(skipper: Skipper, pause: bool, wait_s: float) -> str:
    with _emptied(skipper, pause, wait_s):
        event = skipper.skip()
    if event is None:
        return "nothing waits any more; nothing was changed"
    return f"{count(event.skipped):,} offsets are skipped; `thumper skip {skipper.group} --undo` takes it back"


def _undo(skipper: Skipper, pause: bool, wait_s: float) -> str:
    with _emptied(skipper, pause, wait_s):
        back = skipper.undo(skipper.newest())
    return f"{back:,} offsets wait again"


def _emptied(skipper: Skipper, pause: bool, wait_s: float) -> AbstractContextManager[None]:
    control = GroupControl(skipper.settings, skipper.lags, skipper.sender, skipper.clock, BY)
    return control.emptied(skipper.group, Pause(pause, wait_s))


def _lines(group: str, skipped: tuple[OffsetsSkipped, ...]) -> list[str]:
    if not skipped:
        return [f"nothing waits for {group}"]
    topics: Counter[str] = Counter()
    for one in skipped:
        topics[one.topic] += one.to_offset - one.from_offset
    return [f"{count(skipped):,} offsets of {group}", *(f"  {left:>8,}  {topic}" for topic, left in topics.items())]


def _refuse(group: str) -> None:
    refuse_unknown(group)
    if group == "sink":
        raise UserError(
            "what waits for the sink cannot be skipped: the tables would not be what the log says",
            "`thumper rebuild` makes the tables anew",
        )


@contextmanager
def _skipper(group: str) -> Iterator[Skipper]:
    settings, clock = settings_for_parts(read_settings()), SystemClock()
    with closing(LagReader(settings, clock)) as lags, Emitter(settings, clock) as sender:
        yield Skipper(group, settings, lags, sender, clock)
