"""What people have decided about losses, read from the topic `control` while a partition waits for it."""

from schemas.control import LossAccepted
from thumper.clock import Clock
from thumper.control_log import ControlLog
from thumper.loss import Loss
from thumper.record import Partition
from thumper.settings import Settings

LOOK_S = 1.0


class LossDecisions:
    """For one group, and one thread. Opens nothing before it is asked."""

    def __init__(self, settings: Settings, group: str, clock: Clock) -> None:
        self._group = group
        self._clock = clock
        self._log = ControlLog(settings, clock)
        self._accepted: dict[Partition, tuple[int, int]] = {}
        self._look_s = 0.0

    def accepts(self, loss: Loss) -> bool:
        """Whether somebody has accepted all of `loss`. Looks once a second. Raises KafkaDown."""
        now_s = self._clock.now_s()
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            for _, event in self._log.new():
                if isinstance(event, LossAccepted) and event.group == self._group:
                    self._accepted[Partition(event.topic, event.partition)] = (event.from_offset, event.to_offset)
        first, end = self._accepted.get(loss.partition, (0, -1))
        return first <= loss.from_offset and loss.to_offset <= end

    def close(self) -> None:
        """Let the connections go."""
        self._log.close()
