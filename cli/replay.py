"""`thumper replay`: events or pictures are processed again; looked at first, and undone where that is possible."""

import json
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from cli.parts import settings_for_parts
from cli.picture_options import (
    ClassName,
    Confidence,
    Ids,
    IdsFile,
    ImportId,
    Location,
    TakenFrom,
    TakenTo,
    read_end,
    read_ids,
)
from thumper.clock import SystemClock
from thumper.settings import read_settings

if TYPE_CHECKING:
    from producers.chosen import Chosen
    from schemas.control import GroupReplayed
    from thumper.replay.plan import Wish

app = typer.Typer(help="Process again: all or a part in place, or chosen pictures; with a look at it first.")
BY = "thumper replay"
WORD = "replay"
StateOption = Literal["pending", "completed", "failed"]

Paused = Annotated[bool, typer.Option("--pause", help="Pause the group meanwhile, if it is active.")]
WaitS = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until the group has left.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without being asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; without --yes, nothing is changed.")]


@app.command("in-place")
def in_place_command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    to_earliest: Annotated[bool, typer.Option("--to-earliest", help="All of it again.")] = False,
    to_datetime: Annotated[
        str | None, typer.Option(help="What was imported at or after this time, UTC if it does not say.")
    ] = None,
    shift_by: Annotated[int | None, typer.Option(help="Like -1000: so many offsets in each partition.")] = None,
    to_offset: Annotated[int | None, typer.Option(min=0, help="Exactly there; needs --partition.")] = None,
    partitions: Annotated[
        list[int] | None, typer.Option("--partition", min=0, help="Only this one; may be given again.")
    ] = None,
    clip: Annotated[bool, typer.Option("--clip", help="Further back than the log begins: its beginning.")] = False,
    pause: Paused = False,
    wait_s: WaitS = 60.0,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Set the group of the detectors back on `images`, so that it does again what lies between. First in, first out.

    The same as Kafka's own tool does on a stopped group (docs/runbook.md), with a look at it first. Each partition is
    read back and compared. Times are those of the import. What was done is replaced picture by picture.
    """
    from thumper.replay.plan import read_wish

    wish = read_wish(
        earliest=to_earliest,
        at=to_datetime,
        shift_by=shift_by,
        offset=to_offset,
        partitions=partitions or (),
        clip=clip,
    )
    _go_back(wish, (pause, wait_s), _Said(dry_run, yes, as_json))


class _Said(NamedTuple):
    """How much may be done, and how it is told."""

    dry_run: bool
    yes: bool
    as_json: bool

    @property
    def only_look(self) -> bool:
        """A program that does not say yes cannot be asked."""
        return self.dry_run or (self.as_json and not self.yes)


def _go_back(wish: "Wish", pause: tuple[bool, float], said: _Said) -> None:
    from api.replay_answers import told
    from cli.confirm import confirm
    from cli.replay_run import opened
    from cli.status import duration
    from cli.verify_report import say
    from thumper.emptied import Pause
    from thumper.replay.preview import lines

    settings = settings_for_parts(read_settings())
    with opened(settings, SystemClock(), say) as replays:
        found = replays.replayer.preview(wish)
        seconds = found.seconds
        words = lines(found, None if seconds is None else duration(seconds))
        print(told(found).model_dump_json(indent=2) if said.as_json else "\n".join(words))
        if said.only_look or not found.moves:
            return
        if not said.yes:
            confirm(WORD, "--yes")
        placed = replays.replayer.start(wish, BY, Pause(*pause))
    tell = say if said.as_json else print
    tell(f"replay: {_spoken(placed)}; `thumper status` shows how it goes, `thumper replay undo` ends it")


@app.command("pictures")
def pictures_command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    ids: Ids = None,
    ids_file: IdsFile = None,
    import_id: ImportId = None,
    location: Location = None,
    class_name: ClassName = None,
    confidence: Confidence = None,
    taken_from: TakenFrom = None,
    taken_to: TakenTo = None,
    state: Annotated[StateOption | None, typer.Option("--state", help="Only these.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="With a result of this model, by name or id.")] = None,
    error: Annotated[
        str | None, typer.Option("--error", help="Failed, with this in the error's class or text.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Request each picture that meets all that is given once more; fresh pictures go on beside them.

    Times are capture times, local ones of the cameras. Pictures that wait already are not asked for again. Broken
    off, the same command asks for the rest.
    """
    from producers.chosen import Chosen

    given = (*(ids or ()), *(read_ids(ids_file) if ids_file else ()))
    chosen = Chosen(
        given, import_id, location, class_name, confidence, taken_from, read_end(taken_to), state, model, error
    )
    _ask_again(chosen, _Said(dry_run, yes, as_json))


def _ask_again(chosen: "Chosen", said: _Said) -> None:
    from api.replay_answers import told_pictures
    from cli.confirm import confirm
    from cli.replay_run import opened
    from cli.status import duration
    from cli.verify_report import say
    from producers.again import again, lines, preview

    settings = settings_for_parts(read_settings())
    with opened(settings, SystemClock(), say) as replays:
        found = preview(chosen, replays.desk, replays.rate())
        seconds = found.seconds
        words = lines(found, len(set(chosen.ids)), None if seconds is None else duration(seconds))
        if said.as_json:
            print(told_pictures(found).model_dump_json(indent=2))
        else:
            print("\n".join(words))
        if said.only_look or not found.pictures:
            return
        if not said.yes:
            confirm(WORD, "--yes")
        asked = again(chosen, replays.desk, BY)
    waiting = asked.pictures - asked.asked
    tell = say if said.as_json else print
    tell(f"replay: {asked.asked:,} pictures are asked for now, {waiting:,} were waiting already")


@app.command("undo")
def undo_command(pause: Paused = False, wait_s: WaitS = 60.0) -> None:
    """End a replay in place that is under way: the group goes on where it had been before it.

    What was done again meanwhile stays done. Nothing that the group had not seen is skipped.
    """
    from cli.replay_run import opened
    from cli.verify_report import say
    from thumper.emptied import Pause

    settings = settings_for_parts(read_settings())
    with opened(settings, SystemClock(), say) as replays:
        undone = replays.replayer.undo(BY, Pause(pause, wait_s))
    print(f"replay: undone: the group goes on where it had been before it went back {undone.wish}")


# People look for either word; a replay that is under way is cancelled by undoing it.
app.command("cancel", hidden=True)(undo_command)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show the replays in place, the newest first, and what is left of each."""
    from api.replay_answers import told_replay
    from cli.replay_run import opened
    from cli.verify_report import say

    settings = settings_for_parts(read_settings())
    with opened(settings, SystemClock(), say) as replays:
        found = [told_replay(*one) for one in replays.replayer.replays()]
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
        return
    for one in found:
        begun = f"{one.begun_at:%Y-%m-%d %H:%M:%S}"
        left = f", {one.left:,} events left" if one.left else ""
        print(f"{begun}  {one.state:10} {one.wish}: {one.events:,} events{left}  ({one.replayed_by or 'unknown'})")
    if not found:
        print("no replay was ever begun")


def _spoken(replay: "GroupReplayed") -> str:
    events = sum(move.before - move.to for move in replay.moves)
    return f"the group went back {replay.wish}: {events:,} events in {len(replay.moves)} partitions"
