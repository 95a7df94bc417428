"""Telling a consumer group what to do: pause, run, drain; said once in `control`, obeyed by every member."""

from typing import Protocol

from schemas.control import GroupWanted
from schemas.envelope import Event
from thumper.clock import Clock
from thumper.control_log import groups_wanted
from thumper.errors import UserError
from thumper.settings import Settings
from thumper.topics import GROUPS
from thumper.wishes import Wanted, wish_for

ACKNOWLEDGED_WITHIN_S = 15.0


class Sender(Protocol):
    """Sends events (thumper.emitter.Emitter)."""

    def emit(self, topic: str, event: Event) -> None:
        """Queue one event. Raises KafkaDown."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait for all acknowledgements. Raises KafkaDown."""
        ...


class UnknownGroup(UserError):
    """No group has this name."""


def refuse_unknown(group: str) -> None:
    """Raises UnknownGroup."""
    if group not in GROUPS:
        raise UnknownGroup(f"no group is called {group!r}", f"there are {' and '.join(GROUPS)}")


def want(settings: Settings, group: str, state: Wanted, by: str, sender: Sender, clock: Clock) -> GroupWanted:
    """See that `group` is wanted in `state`, and return the wish that says so; one's own of before is left as it is.

    Somebody else's is not: a command that has paused a group for a while lets it go on, unless others want it paused.
    The broker has it when this returns; the members follow within a second. Raises UnknownGroup, KafkaDown.
    """
    refuse_unknown(group)
    known = groups_wanted(settings, clock).get(group)
    if known is not None and (known.state, known.wanted_by) == (state, by):
        return known
    wish = wish_for(group, state, by, clock)
    tell(wish, sender)
    return wish


def tell(wish: GroupWanted, sender: Sender) -> None:
    """Say it, whatever was said before. Raises KafkaDown; then the broker may have it yet, later."""
    sender.emit("control", wish)
    sender.flush(ACKNOWLEDGED_WITHIN_S)
