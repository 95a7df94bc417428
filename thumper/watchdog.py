"""Ends a process whose loop has stopped turning, also where native code holds the interpreter's lock for ever.

The loop sees by itself that one of its threads hangs, as long as it can run at all. This is for when it cannot.
"""

import faulthandler

from thumper.clock import Clock

# More than the loop's longest step: committing, renewing a producer and rewinding may each wait for the broker.
BEYOND_S = 120.0
REARM_S = 1.0


class Watchdog:
    """A native timer that ends the process (exit code 1, stacks in the log) unless it is put off."""

    def __init__(self, hang_limit_s: float, clock: Clock, beyond_s: float = BEYOND_S) -> None:
        self._limit_s = hang_limit_s + beyond_s
        self._clock = clock
        self._rearm_s = 0.0

    def watch(self) -> None:
        """The loop turns. Cheap: the timer is set anew once a second."""
        now_s = self._clock.now_s()
        if now_s >= self._rearm_s:
            self._rearm_s = now_s + REARM_S
            faulthandler.dump_traceback_later(self._limit_s, exit=True)
