"""Reads every group's lag time and again, so that there is a window to judge by."""

import threading
from contextlib import suppress

import structlog

from api.lag_words import EVERY_S, Windows
from api.look import Log
from thumper.errors import KafkaDown
from thumper.topics import GROUPS

log = structlog.get_logger()


def look_once(lags: Log, windows: Windows) -> None:
    """Add a reading of every group. Blocks for some milliseconds. Raises KafkaDown."""
    for group, topics in GROUPS.items():
        lag = lags.read(group, topics)
        members: int | None = None
        with suppress(KafkaDown):  # the user may read positions and not this
            members = lags.members(group)
        windows.add(lag, members)


class LagWatch:
    """Fills `windows` in the background from start() to close(). While the broker is away, nothing is added."""

    def __init__(self, log: Log, windows: Windows, every_s: float = EVERY_S) -> None:
        self._log = log
        self._windows = windows
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="lag words", daemon=True)

    def start(self) -> None:
        """Begin; the first reading comes after `every_s`."""
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when the thread has ended, or does not within five seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _follow(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                look_once(self._log, self._windows)
            except KafkaDown:
                continue
            except Exception:
                # Whatever it was: a watch that ended would leave old words standing, and nobody would know.
                log.exception("lag was not read")
