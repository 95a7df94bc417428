"""`control`: the wanted state of a consumer group, and what people decide about what it could not do by itself."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from schemas.envelope import Count, Event, Part, ShortText

PartitionNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]


class GroupWanted(Event):
    """What a group shall do: run, leave its consumer group (paused), or finish what it has, then pause (draining)."""

    type: Literal["group.wanted"] = "group.wanted"
    group: ShortText
    state: Literal["running", "paused", "draining"]
    model_id: ShortText | None = None
    wanted_by: ShortText | None = None

    def key(self) -> str:
        """The group."""
        return self.group


class LetterRetried(Event):
    """The message that stood at this place, and became a dead letter, was sent again and acknowledged.

    Named by where the message stood, so that the letters that several groups have left of it are done together.
    """

    type: Literal["dead_letter.retried"]
    topic: ShortText
    partition: PartitionNumber
    offset: Count
    retried_by: ShortText | None = None

    def key(self) -> str:
        """The place."""
        return f"dead_letter/{self.topic}/{self.partition}/{self.offset}"


class LettersAllowed(Event):
    """A group may make dead letters of whatever it cannot read below `until` of a partition, however many."""

    type: Literal["dead_letters.allowed"]
    group: ShortText
    topic: ShortText
    partition: PartitionNumber
    until: Count
    allowed_by: ShortText | None = None

    def key(self) -> str:
        """Group and partition."""
        return f"dead_letters.allowed/{self.group}/{self.topic}/{self.partition}"


class LossAccepted(Event):
    """The events at offsets [from_offset, to_offset) are gone from the log, and the group may go on behind them."""

    type: Literal["loss.accepted"]
    group: ShortText
    topic: ShortText
    partition: PartitionNumber
    from_offset: Count
    to_offset: Count
    accepted_by: ShortText | None = None

    def key(self) -> str:
        """Group and partition."""
        return f"loss.accepted/{self.group}/{self.topic}/{self.partition}"


class OffsetMoved(Part):
    """One partition's committed offset: where it stood, and where it was set. before: all below it was answered."""

    partition: PartitionNumber
    before: Count
    to: Count


class GroupReplayed(Event):
    """A group's offsets on a topic were set back, so that it does events again; kept, so that it can be undone.

    state: begun, before anything is moved; placed, when it was moved and read back; refused, when nothing was moved;
    undone, when the group stands where it had been. wish: what was asked for, in words.
    """

    type: Literal["group.replayed"]
    replay_id: ShortText
    group: ShortText
    topic: ShortText
    state: Literal["begun", "placed", "refused", "undone"]
    wish: ShortText
    moves: Annotated[tuple[OffsetMoved, ...], Field(min_length=1)]
    begun_at: AwareDatetime
    replayed_by: ShortText | None = None

    def key(self) -> str:
        """The replay."""
        return f"group.replayed/{self.replay_id}"


class OffsetsSkipped(Part):
    """The events at offsets [from_offset, to_offset) of one partition."""

    topic: ShortText
    partition: PartitionNumber
    from_offset: Count
    to_offset: Count


class GroupSkipped(Event):
    """A group was set to the end of what waited for it, without doing it; kept, so that it can be taken back.

    state: begun, before anything is moved; placed, when it was moved and read back; undone, when the group stands where
    it had stood. Only the newest of a group is kept.
    """

    type: Literal["group.skipped"]
    group: ShortText
    state: Literal["begun", "placed", "undone"]
    skipped: Annotated[tuple[OffsetsSkipped, ...], Field(min_length=1)]
    skipped_by: ShortText | None = None

    def key(self) -> str:
        """The group."""
        return f"group.skipped/{self.group}"


Control = GroupWanted | LetterRetried | LettersAllowed | LossAccepted | GroupReplayed | GroupSkipped
