"""The life of a worker's process: its name, the wish to end, and patience with servers that are not there yet."""

import fcntl
from collections.abc import Callable
from typing import IO

import structlog

from thumper.clock import Clock
from thumper.errors import Retriable, UserError
from thumper.settings import Settings

MOST_WORKERS = 1_000

UntilSignalled = Callable[[Callable[[], None]], None]
log = structlog.get_logger("thumper")


class Stop:
    """The wish to end, heard from the start on: one that comes before there is a loop to tell is not forgotten."""

    def __init__(self, until_signalled: UntilSignalled) -> None:
        self.asked = False
        self._tell: Callable[[], None] = lambda: None
        until_signalled(self._ask)

    def tell(self, stop: Callable[[], None]) -> None:
        """Call `stop` once somebody asks, or now if somebody has."""
        self._tell = stop
        if self.asked:
            stop()

    def _ask(self) -> None:
        self.asked = True
        self._tell()


def patiently(call: Callable[[], None], clock: Clock, stop: Stop) -> None:
    """Repeat `call` while what it needs does not answer, unless asked to stop: then raises KeyboardInterrupt."""
    while not stop.asked:
        try:
            call()
            return
        except Retriable as error:
            log.warning("waiting", error=error.message, hint=error.hint)
            clock.sleep(1.0)
    raise KeyboardInterrupt


class Slot:
    """A worker's name, held by a lock so that no two live processes have the same (and fence each other)."""

    def __init__(self, settings: Settings, role: str, name: str | None) -> None:
        self._folder = settings.data_dir / "run"
        self._role = role
        self._name = name
        self._lock: IO[str] | None = None

    def __enter__(self) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        names = [self._name] if self._name else [f"{self._role}-{number}" for number in range(1, MOST_WORKERS)]
        for name in names:
            if self._take(name):
                return name
        raise UserError(f"a {self._role} named {names[0]} runs already", "give this one another --name")

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()

    def _take(self, name: str) -> bool:
        lock = (self._folder / f"{name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        return True
