"""What people have decided, as the topic `control` has it: all that is there, in the order of the log."""

from collections.abc import Iterator

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.control import Control, GroupWanted
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings

CONTROL = Partition("control", 0)


class ControlLog:
    """For one thread. Opens nothing before it is asked."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._clients: tuple[LagReader, LogReader] | None = None
        self.read_to = 0

    def new(self) -> Iterator[tuple[int, Control]]:
        """Offset and decision of what was not handed out before; what cannot be read is left out. Raises KafkaDown."""
        if self._clients is None:
            self._clients = LagReader(self._settings, self._clock), LogReader(self._settings, self._clock)
        lags, reader = self._clients
        start, end = lags.starts([CONTROL.topic])[CONTROL], lags.ends([CONTROL.topic])[CONTROL]
        for item in reader.read(CONTROL, max(start, self.read_to), end):
            if (event := decision(item.value)) is not None:
                yield item.offset, event
        self.read_to = end

    def close(self) -> None:
        """Let the connections go."""
        for client in self._clients or ():
            client.close()


def decision(value: bytes | None) -> Control | None:
    """A message of `control`; None if this release cannot read it."""
    try:
        event: Control = decode(CONTROL.topic, value)
    except (UnreadableEvent, UnknownMajorVersion):
        return None
    return event


def groups_wanted(settings: Settings, clock: Clock) -> dict[str, GroupWanted]:
    """What is wanted of each group that somebody has decided on. Raises KafkaDown."""
    log = ControlLog(settings, clock)
    try:
        return {event.group: event for _, event in log.new() if isinstance(event, GroupWanted)}
    finally:
        log.close()
