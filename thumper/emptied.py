"""A group out of the way while its offsets are set: it must have no members, or is paused for as long as it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from thumper.clock import Clock
from thumper.control_log import groups_wanted
from thumper.errors import KafkaDown, UserError
from thumper.groups import Sender, tell, want
from thumper.lag import LagReader
from thumper.positions import wait_until_left
from thumper.settings import Settings
from thumper.wishes import wish_for

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether the group may be paused, and how long is waited until it has left."""

    allowed: bool = False
    wait_s: float = 60.0


@dataclass(frozen=True, slots=True)
class GroupControl:
    """What it takes to see a group out, and in again. by: the command, like "thumper replay"."""

    settings: Settings
    lags: LagReader
    sender: Sender
    clock: Clock
    by: str
    say: Say = lambda _: None

    @contextmanager
    def emptied(self, group: str, pause: Pause) -> Iterator[None]:
        """The group has no members inside. One that people have paused stays so.

        Raises UserError if it is active and may not be paused, or does not leave in time; KafkaDown.
        """
        if not pause.allowed:
            self._refuse_active(group)
            yield
            return
        try:
            if not self._others_pause(group):
                want(self.settings, group, "paused", self.by, self.sender, self.clock)
            wait_until_left(self.lags, group, pause.wait_s, self.clock, self.say)
            yield
        finally:
            if not self._others_pause(group):
                # In any case: a pause that was not acknowledged may be on its way, and this comes behind it.
                tell(wish_for(group, "running", self.by, self.clock), self.sender)

    def _others_pause(self, group: str) -> bool:
        try:
            wish = groups_wanted(self.settings, self.clock).get(group)
        except KafkaDown:
            return False
        # One that the same command was killed over goes on.
        return wish is not None and wish.state != "running" and wish.wanted_by != self.by

    def _refuse_active(self, group: str) -> None:
        if members := self.lags.members(group):
            raise UserError(
                f"the group {group} is active: it has {members} members",
                "stop its processes, or have it paused meanwhile: --pause. A killed one counts until its session ends",
            )
