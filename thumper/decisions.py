"""What people have decided about losses, read from the topic `control` while a partition waits for it."""

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.control import LossAccepted
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.lag import LagReader
from thumper.loss import Loss
from thumper.record import Partition
from thumper.settings import Settings

CONTROL = Partition("control", 0)
LOOK_S = 1.0


class LossDecisions:
    """For one group, and one thread. Opens nothing before it is asked."""

    def __init__(self, settings: Settings, group: str, clock: Clock) -> None:
        self._settings = settings
        self._group = group
        self._clock = clock
        self._clients: tuple[LagReader, LogReader] | None = None
        self._accepted: dict[Partition, tuple[int, int]] = {}
        self._read_to = 0
        self._look_s = 0.0

    def accepts(self, loss: Loss) -> bool:
        """Whether somebody has accepted all of `loss`. Looks once a second. Raises KafkaDown."""
        now_s = self._clock.now_s()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._catch_up()
        first, end = self._accepted.get(loss.partition, (0, -1))
        return first <= loss.from_offset and loss.to_offset <= end

    def close(self) -> None:
        """Let the connections go."""
        for client in self._clients or ():
            client.close()

    def _catch_up(self) -> None:
        if self._clients is None:
            self._clients = LagReader(self._settings, self._clock), LogReader(self._settings, self._clock)
        lags, reader = self._clients
        start, end = lags.starts([CONTROL.topic])[CONTROL], lags.ends([CONTROL.topic])[CONTROL]
        for item in reader.read(CONTROL, max(start, self._read_to), end):
            self._take(item.value)
        self._read_to = end

    def _take(self, value: bytes | None) -> None:
        try:
            event = decode(CONTROL.topic, value)
        except (UnreadableEvent, UnknownMajorVersion):
            return
        if isinstance(event, LossAccepted) and event.group == self._group:
            self._accepted[Partition(event.topic, event.partition)] = (event.from_offset, event.to_offset)
