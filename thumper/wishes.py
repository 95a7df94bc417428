"""What is wanted of a consumer group: said by people in the topic `control`, followed by every member of the group."""

from collections.abc import Sequence
from typing import Literal, Protocol

import structlog

from schemas.control import GroupWanted
from schemas.envelope import Event
from thumper.clock import Clock
from thumper.control_log import CONTROL, ControlLog, decision
from thumper.errors import KafkaDown
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.tail import Tail

Wanted = Literal["running", "paused", "draining"]
# The client has read what is new in the background; looking costs some microseconds.
LOOK_S = 0.1
# While draining, the broker is asked this often how much is left.
ASK_LEFT_S = 1.0

log = structlog.get_logger("thumper.wishes")


class Emits(Protocol):
    """Sends events (thumper.emitter.Emitter)."""

    def emit(self, topic: str, event: Event) -> None:
        """Queue one event. Raises KafkaDown."""
        ...


class Wishes(Protocol):
    """What is wanted of one group. One thread."""

    def wanted(self) -> Wanted:
        """What is wanted now. Blocks at the first call only. Raises KafkaDown until it could be read once."""
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...


class Wish:
    """The newest wish that was read. Pure."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._offset = -1
        self.event: GroupWanted | None = None

    @property
    def state(self) -> Wanted:
        """A group that nobody has decided on runs."""
        return "running" if self.event is None else self.event.state

    def read(self, offset: int, event: Event | None) -> bool:
        """Take in a decision of `control`; those that are older than what is known change nothing. Whether it did."""
        if not isinstance(event, GroupWanted) or event.group != self._group or offset <= self._offset:
            return False
        self._offset, self.event = offset, event
        return True


class GroupWishes:
    """See Wishes. A group that drains is paused by the first of its members who sees that nothing is left to do.

    topics: what the group reads (own names).
    """

    def __init__(self, settings: Settings, group: str, topics: Sequence[str], sender: Emits, clock: Clock) -> None:
        self._settings = settings
        self._group = group
        self._topics = topics
        self._sender = sender
        self._clock = clock
        self._wish = Wish(group)
        self._log = ControlLog(settings, clock)
        self._tail: Tail | None = None
        self._lags: LagReader | None = None
        self._look_s = 0.0
        self._ask_s = 0.0

    def wanted(self) -> Wanted:
        """See Wishes."""
        now_s = self._clock.now_s()
        if self._tail is None:
            self._catch_up()
            self._tail = Tail(self._settings, CONTROL.topic, start=self._log.read_to)
        elif now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            for record in self._tail.take(0.0):
                self._read(record.offset, decision(record.value))
        if self._wish.state == "draining" and now_s >= self._ask_s:
            self._ask_s = now_s + ASK_LEFT_S
            self._pause_when_drained()
        return self._wish.state

    def close(self) -> None:
        """See Wishes."""
        self._log.close()
        for client in (self._tail, self._lags):
            if client is not None:
                client.close()

    def _catch_up(self) -> None:
        for offset, event in self._log.new():
            self._read(offset, event)

    def _read(self, offset: int, event: Event | None) -> None:
        before = self._wish.state
        if self._wish.read(offset, event) and self._wish.state != before:
            log.info("wanted of the group", state=self._wish.state, before=before)

    def _pause_when_drained(self) -> None:
        try:
            if self._left():
                return
            # Somebody may have decided otherwise a moment ago: that counts, and not the end of the draining.
            self._catch_up()
            if self._wish.state == "draining" and self._wish.event is not None:
                self._sender.emit("control", drained(self._wish.event, self._clock))
        except KafkaDown:
            return  # Asked again in a second.

    def _left(self) -> int:
        if self._lags is None:
            self._lags = LagReader(self._settings, self._clock)
        return self._lags.read(self._group, self._topics).lag


def drained(wish: GroupWanted, clock: Clock) -> GroupWanted:
    """What follows on a wish to drain, once nothing is left. The same from every member who sees it."""
    return GroupWanted(
        id=f"drained:{wish.id}"[:200],
        time=clock.wall(),
        source="thumper/drain",
        group=wish.group,
        state="paused",
        model_id=wish.model_id,
        wanted_by=wish.wanted_by,
    )


def wish_for(group: str, state: Wanted, by: str, clock: Clock) -> GroupWanted:
    """That `group` shall be in `state`, as an event for `control`. by: who says so, like "thumper pause"."""
    now = clock.wall()
    return GroupWanted(
        id=f"group.wanted:{group}:{state}:{now.isoformat()}",
        time=now,
        source="thumper/control",
        group=group,
        state=state,
        wanted_by=by,
    )
