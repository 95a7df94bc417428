"""Passing over what waits for a group: looked at, done, and taken back. The log remembers from where.

The events are in the log first, then the offsets are set, then they are read back. Killed in between, the same command
again, or its undo, makes it whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.control import GroupSkipped, OffsetsSkipped
from thumper.clock import Clock
from thumper.control_log import ControlLog
from thumper.errors import UserError
from thumper.groups import ACKNOWLEDGED_WITHIN_S, Sender
from thumper.lag import GroupLag, LagReader
from thumper.positions import NotPlaced, place_group
from thumper.record import Partition
from thumper.settings import Settings
from thumper.topics import GROUPS

BY = "thumper skip"


def waiting(read: GroupLag) -> tuple[OffsetsSkipped, ...]:
    """What waits for the group, by partition. Pure."""
    return tuple(
        OffsetsSkipped(
            topic=part.partition.topic,
            partition=part.partition.number,
            from_offset=max(part.position, part.start),
            to_offset=part.end,
        )
        for part in read.partitions
        if part.lag
    )


def count(skipped: tuple[OffsetsSkipped, ...]) -> int:
    """How many offsets. Pure."""
    return sum(one.to_offset - one.from_offset for one in skipped)


def targets(event: GroupSkipped, read: GroupLag) -> dict[Partition, int]:
    """Where the group stands again once `event` is taken back: never further than it stands. Pure."""
    stands = {part.partition: part for part in read.partitions}
    back = {}
    for one in event.skipped:
        place = stands.get(Partition(one.topic, one.partition))
        if place is not None and one.from_offset < place.position:
            back[place.partition] = max(one.from_offset, place.start)
    return back


@dataclass(frozen=True, slots=True)
class Skipper:
    """For one group. Methods raise KafkaDown, and UserError for what cannot be done as asked."""

    group: str
    settings: Settings
    lags: LagReader
    sender: Sender
    clock: Clock

    def look(self) -> tuple[OffsetsSkipped, ...]:
        """What waits now."""
        return waiting(self.lags.read(self.group, GROUPS[self.group]))

    def skip(self) -> GroupSkipped | None:
        """Set the group behind what waits; it has no members (see thumper.emptied). None if nothing waits."""
        skipped = self.look()
        if not skipped:
            return None
        before = self._last()
        event = self._note(self._event(skipped), "begun")
        try:
            self._place({Partition(one.topic, one.partition): one.to_offset for one in skipped})
        except NotPlaced:
            # Only the newest is kept, and this one is none: the one before can be taken back as ever.
            self._note(*((event, "undone") if before is None else (before, before.state)))
            raise
        return self._note(event, "placed")

    def undo(self, event: GroupSkipped) -> int:
        """Set the group back to where it stood; how many offsets wait again. It has no members (thumper.emptied)."""
        read = self.lags.read(self.group, GROUPS[self.group])
        back = targets(event, read)
        if back:
            self._place(back)
        self._note(event, "undone")
        return sum(part.position - back[part.partition] for part in read.partitions if part.partition in back)

    def newest(self) -> GroupSkipped:
        """What was skipped last, and not taken back."""
        last = self._last()
        if last is None or last.state == "undone":
            raise UserError(f"nothing of {self.group} is skipped, so there is nothing to take back")
        return last

    def _last(self) -> GroupSkipped | None:
        log = ControlLog(self.settings, self.clock)
        try:
            events = [e for _, e in log.new() if isinstance(e, GroupSkipped) and e.group == self.group]
        finally:
            log.close()
        return events[-1] if events else None

    def _event(self, skipped: tuple[OffsetsSkipped, ...]) -> GroupSkipped:
        return GroupSkipped(
            type="group.skipped",
            source="thumper/skip",
            group=self.group,
            state="begun",
            skipped=skipped,
            skipped_by=BY,
        )

    def _note(self, event: GroupSkipped, state: Literal["begun", "placed", "undone"]) -> GroupSkipped:
        now = self.clock.wall()
        told = {"state": state, "time": now, "id": f"group.skipped:{self.group}:{state}:{now.isoformat()}"}
        noted = event.model_copy(update=told)
        self.sender.emit("control", noted)
        self.sender.flush(ACKNOWLEDGED_WITHIN_S)
        return noted

    def _place(self, wanted: Mapping[Partition, int]) -> None:
        place_group(self.settings, self.group, wanted, self.clock)
        found = self.lags.committed(self.group, GROUPS[self.group])
        if wrong := sorted(part for part, to in wanted.items() if found.get(part) != to):
            raise UserError(
                f"{wrong[0]} stands at {found.get(wrong[0])}, not at {wanted[wrong[0]]}: somebody else moved the group",
                "stop its processes; then the same command again",
            )
