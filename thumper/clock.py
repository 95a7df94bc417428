"""The only file that reads a clock: wall time for people, monotonic seconds for decisions."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Cores take `now_s` as an argument instead."""

    def now_s(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> datetime:
        """The time of day, with UTC offset."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> datetime:
        """UTC now."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)


class SteppedClock:
    """A clock that only moves when told (or when something sleeps on it): for tests."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0

    def now_s(self) -> float:
        """Seconds since the clock was made."""
        return self._passed_s

    def wall(self) -> datetime:
        """The start plus what has passed."""
        return datetime.fromtimestamp(self._start.timestamp() + self._passed_s, UTC)

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._passed_s += seconds

    def step(self, seconds: float) -> None:
        """Move on by hand."""
        self._passed_s += seconds
