"""`thumper accept-loss`: what a group has lost by deletion or retention, and leave to go on behind it."""

from contextlib import closing
from typing import Annotated

import typer

from cli.parts import settings_for_parts
from schemas.control import LossAccepted
from thumper.clock import Clock, SystemClock
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.lag import GroupLag, LagReader
from thumper.loss import Loss, loss_of
from thumper.settings import read_settings
from thumper.topics import GROUPS

BY = "thumper accept-loss"


def accept_loss_command(
    places: Annotated[list[str] | None, typer.Argument(help="Like images:3. Default: all that are lost.")] = None,
    group: Annotated[str | None, typer.Option("--group", help="detector or sink; default: both.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept. Without it, only say what is lost.")] = False,
) -> None:
    """Show what the log has not any more and a group has not seen; with --yes, let the group go on behind it.

    Running parts go on within seconds; those that do not run, when they start. Pictures whose events are lost:
    `thumper repair` announces again what the store holds.
    """
    if group is not None and group not in GROUPS:
        raise UserError(f"no group is called {group!r}", "there are detector and sink")
    settings, clock = settings_for_parts(read_settings()), SystemClock()
    with closing(LagReader(settings)) as lags:
        read = [lags.read(name, topics) for name, topics in GROUPS.items() if group in (None, name)]
    found = [(one.group, loss) for one in read for loss in losses(one) if _is_named(loss, places)]
    if not found:
        print("nothing is lost" if not places else f"nothing is lost of {', '.join(places)}")
        return
    for name, loss in found:
        print(f"{name}: {loss}")
    if not yes:
        print("with --yes, these groups go on at the first offset that is there")
        raise typer.Exit(1)
    with Emitter(settings) as emitter:
        for name, loss in found:
            emitter.emit("control", _accepted(name, loss, clock))
        emitter.flush()
    print("accepted: they go on at the first offset that is there")


def losses(read: GroupLag) -> list[Loss]:
    """Where the group stands outside of the log. Pure."""
    return [
        loss_of(part.partition, part.committed, part.start)
        for part in read.partitions
        if part.committed is not None and not part.start <= part.committed <= part.end
    ]


def _is_named(loss: Loss, places: list[str] | None) -> bool:
    return not places or f"{loss.partition.topic}:{loss.partition.number}" in places


def _accepted(group: str, loss: Loss, clock: Clock) -> LossAccepted:
    return LossAccepted(
        type="loss.accepted",
        id=f"loss.accepted:{group}:{loss.partition.topic}:{loss.partition.number}:{clock.wall().isoformat()}",
        time=clock.wall(),
        source="thumper/accept-loss",
        group=group,
        topic=loss.partition.topic,
        partition=loss.partition.number,
        from_offset=loss.from_offset,
        to_offset=loss.to_offset,
        accepted_by=BY,
    )
