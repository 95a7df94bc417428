"""A group out of the way while its offsets are set: it must have no members, or is paused for as long as it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from schemas.control import GroupWanted
from schemas.envelope import Event
from thumper.clock import Clock
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.positions import wait_until_left

Say = Callable[[str], None]
ACKNOWLEDGED_WITHIN_S = 15.0
SOURCE = "thumper/replay"


class Sender(Protocol):
    """Sends events (thumper.emitter.Emitter)."""

    def emit(self, topic: str, event: Event) -> None:
        """Queue one event. Raises KafkaDown."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait for all acknowledgements. Raises KafkaDown."""
        ...


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether the group may be paused, and how long is waited until it has left."""

    allowed: bool = False
    wait_s: float = 60.0


@dataclass(frozen=True, slots=True)
class GroupControl:
    """What it takes to see a group out, and in again."""

    lags: LagReader
    sender: Sender
    clock: Clock
    say: Say

    @contextmanager
    def emptied(self, group: str, wanted: GroupWanted | None, pause: Pause, by: str) -> Iterator[None]:
        """The group has no members inside. wanted: what it shall do now; one that people have paused stays so.

        One that a replay was killed over goes on.

        Raises UserError if it is active and may not be paused, or does not leave in time; KafkaDown.
        """
        if not pause.allowed:
            self._refuse_active(group)
            yield
            return
        ours = wanted is None or wanted.state == "running" or wanted.source == SOURCE
        if ours:
            self._want(group, "paused", wanted, by)
        try:
            wait_until_left(self.lags, group, pause.wait_s, self.clock, self.say)
            yield
        finally:
            if ours:
                self._want(group, "running", wanted, by)

    def _refuse_active(self, group: str) -> None:
        if members := self.lags.members(group):
            raise UserError(
                f"the group {group} is active: it has {members} members",
                "stop its processes, or have it paused meanwhile: --pause. A killed one counts until its session ends",
            )

    def _want(self, group: str, state: Literal["running", "paused"], before: GroupWanted | None, by: str) -> None:
        now = self.clock.wall()
        event = GroupWanted(
            id=f"group.wanted:{group}:{state}:{now.isoformat()}",
            time=now,
            source=SOURCE,
            group=group,
            state=state,
            model_id=before and before.model_id,
            wanted_by=by,
        )
        self.sender.emit("control", event)
        self.sender.flush(ACKNOWLEDGED_WITHIN_S)
