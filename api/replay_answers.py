"""What `/api/replay` takes and answers, with examples."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, NaiveDatetime

from api.responses import Answer, Count, PictureStatus
from producers.again import Meant
from producers.chosen import Chosen
from schemas.control import GroupReplayed, PartitionNumber
from schemas.envelope import ShortText
from thumper.replay.plan import Wish, events, read_wish
from thumper.replay.preview import Preview

MOST_OFFSET = 2**63 - 1
SECONDS = "null if nothing was processed yet, so that nobody knows"


class ReplayWish(Answer):
    """What to go back to: exactly one of the first four. Times are those of the import (the broker's)."""

    to_earliest: bool = False
    to_datetime: AwareDatetime | None = Field(None, description="imported then or later", examples=[None])
    shift_by: Annotated[int, Field(ge=-MOST_OFFSET, le=MOST_OFFSET)] | None = Field(None, examples=[-1_000])
    to_offset: Annotated[int, Field(ge=0, le=MOST_OFFSET)] | None = Field(None, examples=[None])
    partitions: list[PartitionNumber] = Field([], max_length=10_000, description="only these")
    clip: bool = Field(False, description="further back than the log begins means its beginning")

    def wish(self) -> Wish:
        """Raises UserError if it is none."""
        at = None if self.to_datetime is None else self.to_datetime.isoformat()
        return read_wish(
            earliest=self.to_earliest,
            at=at,
            shift_by=self.shift_by,
            offset=self.to_offset,
            partitions=self.partitions,
            clip=self.clip,
        )


class ReplayMove(Answer):
    """One partition of `images`."""

    partition: Count
    before: Count
    to: Count


class ReplayPlan(Answer):
    """What a replay in place would do. first, last: capture times. completed, failed: results that it replaces."""

    wish: str = Field(examples=["to the earliest event"])
    time_means: str = Field(examples=["time of import"], description="which kind of time the wish is about")
    events: Count
    pictures: Count
    first: datetime | None
    last: datetime | None
    completed: Count
    failed: Count
    waiting: Count = Field(description="events that wait already; they come after these")
    members: Count = Field(description="of the group now; it must be stopped, or is paused with `pause`")
    rate_per_minute: float | None = Field(description=SECONDS)
    seconds: float | None = Field(description=SECONDS)
    moves: list[ReplayMove]


class ReplayAnswer(Answer):
    """A replay in place. left: events until the group is where it had been; 0: it is, or the replay was undone."""

    replay_id: str = Field(examples=["replay-20261124-040000-3f2a"])
    state: str = Field(
        examples=["under way"],
        description="under way, done, undone, refused, or begun: broken off before it was known to be placed",
    )
    wish: str
    events: Count
    left: Count
    begun_at: datetime
    replayed_by: str | None
    moves: list[ReplayMove]


class PictureChoice(Answer):
    """Which pictures: those that meet all that is given. taken_from, taken_to: capture times, the places' own."""

    ids: list[UUID] = Field([], max_length=10_000)
    import_id: ShortText | None = None
    location: ShortText | None = Field(None, description="name or id", examples=["Hayfield"])
    class_name: ShortText | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    taken_from: NaiveDatetime | None = None
    taken_to: NaiveDatetime | None = None
    state: PictureStatus | None = None
    model: ShortText | None = Field(None, description="with a result of this model, by name or id")
    error: ShortText | None = Field(None, description="failed, with this in the error's class or text")

    def chosen(self) -> Chosen:
        """The same for the producers."""
        return Chosen(**{**dict(self), "ids": tuple(self.ids)})


class PicturesMeant(Answer):
    """What would be asked for. waiting: of them, those that wait already. completed, failed: results to be replaced."""

    pictures: Count
    waiting: Count
    first: datetime | None
    last: datetime | None
    completed: Count
    failed: Count
    locations: dict[str, int] = Field(examples=[{"Hayfield": 1_200}])
    rate_per_minute: float | None = Field(description=SECONDS)
    seconds: float | None = Field(description=SECONDS)


class PicturesAsked(Answer):
    """pictures: in the pipeline now. asked: of them, by requests of this call."""

    pictures: Count
    asked: Count


def told(found: Preview) -> ReplayPlan:
    """A plan as the API answers it."""
    again = found.again
    return ReplayPlan(
        wish=str(found.wish),
        time_means="time of import",
        events=events(found.moves),
        pictures=again.pictures,
        first=again.first,
        last=again.last,
        completed=again.completed,
        failed=again.failed,
        waiting=found.waiting,
        members=found.members,
        rate_per_minute=found.rate_per_minute,
        seconds=found.seconds,
        moves=[ReplayMove(partition=move.partition.number, before=move.before, to=move.to) for move in found.moves],
    )


def told_replay(replay: GroupReplayed, left: int) -> ReplayAnswer:
    """A replay as the API answers it."""
    # Begun and no more: its command was broken off before it knew, most likely before anything was moved.
    ended = "done" if replay.state == "placed" else replay.state
    return ReplayAnswer(
        replay_id=replay.replay_id,
        state="under way" if left else ended,
        wish=replay.wish,
        events=sum(move.before - move.to for move in replay.moves),
        left=left,
        begun_at=replay.begun_at,
        replayed_by=replay.replayed_by,
        moves=[ReplayMove(**move.model_dump()) for move in replay.moves],
    )


def told_pictures(found: Meant) -> PicturesMeant:
    """Chosen pictures as the API answers them."""
    return PicturesMeant(
        pictures=found.pictures,
        waiting=found.waiting,
        first=found.first,
        last=found.last,
        completed=found.completed,
        failed=found.failed,
        locations=dict(found.places),
        rate_per_minute=found.rate_per_minute,
        seconds=found.seconds,
    )
