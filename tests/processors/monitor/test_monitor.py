"""The monitor's life: how it ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from processors.monitor.monitor import Monitor
from processors.monitor.seen import Seen
from processors.monitor.watch import Watch
from processors.monitor.windows import Row, Windows
from schemas.alert import Alert
from thumper.clock import SteppedClock
from thumper.errors import Fatal
from thumper.settings import Settings


class Crashed:
    """Counting that has broken, and cannot end in time either."""

    crashed = True
    crash_reason = RuntimeError("the reason")
    is_whole = False

    def __init__(self) -> None:
        self.app: Any = self

    def rows(self) -> list[Row]:
        return []

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        raise TimeoutError


class Hands:
    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock

    def look(self, windows: Windows | None) -> Seen:
        return Seen(self._clock.now_s(), self._clock.wall())

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Nothing."""

    def ask(self) -> None:
        """Nothing."""


def test_counting_that_does_not_end_in_time_does_not_hide_why_it_is_ended() -> None:
    clock = SteppedClock()
    monitor = Monitor(Crashed(), Watch(Settings(), []), Hands(clock), clock)
    with pytest.raises(Fatal, match="the reason"):
        asyncio.run(monitor.run(asyncio.Event(), lambda: None))
