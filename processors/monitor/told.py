"""What one receiver has been told, and what it is to be told next; pure.

A receiver is told of a change once. An alert that comes back within the quiet time of the last message about it waits
until that is over, and is told then if it is still there: what comes and goes all night is one message per quiet time.
"""

from dataclasses import dataclass

from schemas.alert import Alert


@dataclass
class _Name:
    """One alert. offset: of `newest`. knows_of: the receiver takes it to be raised. told_s: when it was told."""

    newest: Alert
    offset: int
    knows_of: bool = False
    told_s: float | None = None


class Told:
    """For one receiver."""

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s = quiet_s
        self._names: dict[str, _Name] = {}
        self._read_to = 0

    def note(self, offset: int, alert: Alert, *, known: bool = False) -> None:
        """Take in an event of `alerts`, in the order of the log. known: an earlier life has told it."""
        one = self._names.setdefault(alert.name, _Name(alert, offset))
        one.newest, one.offset = alert, offset
        self._read_to = max(self._read_to, offset + 1)
        if known:
            one.knows_of = alert.type == "alert.raised"

    def due(self, now_s: float) -> list[Alert]:
        """What to tell now, oldest first."""
        waiting = sorted((one for one in self._names.values() if self._differs(one)), key=lambda one: one.offset)
        return [one.newest for one in waiting if one.knows_of or self._is_over(one, now_s)]

    def told(self, alert: Alert, now_s: float) -> None:
        """The receiver has it."""
        one = self._names[alert.name]
        one.knows_of, one.told_s = alert.type == "alert.raised", now_s

    def raised(self) -> list[Alert]:
        """All that is raised now."""
        return [one.newest for one in self._names.values() if one.newest.type == "alert.raised"]

    @property
    def position(self) -> int:
        """The offset up to which nothing is left to tell."""
        return min([self._read_to, *(one.offset for one in self._names.values() if self._differs(one))])

    @staticmethod
    def _differs(one: _Name) -> bool:
        return (one.newest.type == "alert.raised") != one.knows_of

    def _is_over(self, one: _Name, now_s: float) -> bool:
        return one.told_s is None or now_s - one.told_s >= self._quiet_s
