"""What one receiver is sent in one turn, and how long it is left alone after it did not take it. No thread, no log."""

import structlog

from processors.monitor.receivers import NotDelivered, Receiver, Refused
from processors.monitor.told import Told
from schemas.alert import Alert
from thumper.clock import Clock

BACKOFF_S = (1.0, 300.0)
log = structlog.get_logger("thumper.alerts")


class Delivery:
    """For one receiver. told: what it knows."""

    def __init__(self, receiver: Receiver, clock: Clock) -> None:
        self.told = Told(receiver.quiet_s)
        self._receiver = receiver
        self._clock = clock
        self._failures = 0
        self._repeated_s = clock.now_s()

    def turn(self) -> float:
        """Send what is due. Returns for how many seconds to wait before the next turn. Raises nothing."""
        try:
            self._tell()
            self._repeat()
        except NotDelivered as error:
            log.warning("an alert waits", receiver=self._receiver.name, error=error.message, hint=error.hint)
        except Exception:
            log.exception("an alert waits by a fault of the program", receiver=self._receiver.name)
        else:
            return 0.0
        return self.backs_off()

    def backs_off(self) -> float:
        """Seconds to wait after one more failure: longer each time."""
        least_s, most_s = BACKOFF_S
        self._failures += 1
        return min(most_s, least_s * 2.0 ** min(self._failures - 1, 16))

    def _tell(self) -> None:
        refused: list[tuple[Alert, Refused]] = []
        taken = False
        for alert in self.told.due(self._clock.now_s()):
            try:
                self._receiver.send([alert])
            except Refused as error:
                refused.append((alert, error))
                continue
            taken = True
            self._taken(alert)
        # Who takes others and not this one will never take it. Who takes none may have a wrong address: all wait.
        if refused and not taken:
            raise refused[0][1]
        for alert, why in refused:
            log.error(
                "an alert is refused and left out", receiver=self._receiver.name, name=alert.name, error=why.message
            )
            self._taken(alert)

    def _taken(self, alert: Alert) -> None:
        self.told.told(alert, self._clock.now_s())
        self._failures = 0

    def _repeat(self) -> None:
        every_s, now_s = self._receiver.repeat_s, self._clock.now_s()
        if every_s is None or now_s - self._repeated_s < every_s:
            return
        try:
            self._receiver.send(self.told.raised())
            self._failures = 0
        except Refused as error:
            # Because of one of them. The others have to be heard of again in time.
            log.error("repeated alerts are refused", receiver=self._receiver.name, error=error.message)
        self._repeated_s = now_s
