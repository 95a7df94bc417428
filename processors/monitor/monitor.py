"""The monitor's life: faust counts all the while, and every five seconds somebody looks, says and asks."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from processors.monitor.memory import Memory
from processors.monitor.seen import LIVE_GROUP, Seen
from processors.monitor.watch import Watch
from processors.monitor.windows import Row, Windows
from schemas.alert import Alert
from thumper.clock import Clock
from thumper.errors import Fatal, ThumperError

EVERY_S = 5.0
# Figures go into the log once a minute.
SAY_EVERY_S = 60.0
STOP_S = 10.0
log = structlog.get_logger("thumper")


class Counts(Protocol):
    """The counting (processors.monitor.faust_app.Counting). app: a faust app."""

    app: Any

    @property
    def is_whole(self) -> bool:
        """Whether the windows are there."""
        ...

    def rows(self) -> list[Row]:
        """A copy of them."""
        ...


class Hands(Protocol):
    """What the monitor does outside of its process. Each may block; none is called by two threads at once."""

    def look(self, windows: Windows | None) -> Seen:
        """Everything but the windows. Never raises: what cannot be read is None."""
        ...

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Write alerts into the log; those that it could not take are told again first at the next call."""
        ...

    def ask(self) -> None:
        """Request pictures that were reset by hand. Raises Retriable if it has to wait."""
        ...


class Monitor:
    """Runs until it is told to stop."""

    def __init__(self, counting: Counts, watch: Watch, hands: Hands, clock: Clock) -> None:
        self._counting = counting
        self._watch = watch
        self._hands = hands
        self._clock = clock
        self._memory = Memory()
        self._say_s = 0.0

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Count and look until `stop`. on_ready: when the windows are there. Raises Fatal if the counting ends."""
        app = self._counting.app
        await app.start()
        try:
            ready = False
            while not stop.is_set():
                if app.crashed:
                    raise Fatal(f"counting has ended: {app.crash_reason!r}", "it is started again by its supervisor")
                await self._turn()
                if not ready and self._counting.is_whole:
                    ready = True
                    on_ready()
                await _either(stop, EVERY_S if ready else 0.2)
        finally:
            await _end(app)

    async def _turn(self) -> None:
        # Only the copy is made here, where faust counts: a season's worth of cells keeps a processor busy for a while.
        rows = self._counting.rows() if self._counting.is_whole else None
        await asyncio.to_thread(self._work, rows)

    def _work(self, rows: Sequence[Row] | None) -> None:
        windows = None if rows is None else Windows.of_rows(self._clock.wall().timestamp(), rows)
        seen = self._memory.complete(self._hands.look(windows))
        self._hands.tell(self._watch.step(seen))
        self._say(windows)
        try:
            self._hands.ask()
        except ThumperError as error:
            log.warning("pictures that were reset by hand wait", error=error.message, hint=error.hint)

    def _say(self, windows: Windows | None) -> None:
        if windows is None or self._clock.now_s() < self._say_s:
            return
        self._say_s = self._clock.now_s() + SAY_EVERY_S
        share = windows.share(LIVE_GROUP, 10)
        by = {
            f"by_{kind}": {name: list(one) for name, one in windows.by(kind, LIVE_GROUP, 10).items()}
            for kind in ("model", "worker", "location")
        }
        log.info("counted", per_minute=windows.per_minute(LIVE_GROUP, 10), failed=share.failed, total=share.total, **by)


async def _end(app: Any) -> None:
    try:
        await asyncio.wait_for(app.stop(), STOP_S)
    except TimeoutError:
        # No reason to hide the one for which it is ended. What it has not committed is read again and counted once.
        log.warning("counting has not ended in time", seconds=STOP_S)


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
