"""Waiting until something holds, with a limit."""

from collections.abc import Callable

from thumper.clock import Clock

# Short beside anything that is waited for here (a JVM's start), long beside what one look costs.
_LOOK_S = 0.05


def wait_until(holds: Callable[[], bool], clock: Clock, timeout_s: float, look_s: float = _LOOK_S) -> bool:
    """Look until `holds` says yes; False when it did not within `timeout_s` seconds."""
    deadline_s = clock.now_s() + timeout_s
    while not holds():
        if clock.now_s() >= deadline_s:
            return False
        clock.sleep(look_s)
    return True
