"""Trying again with growing pauses, while something that an import needs is away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from thumper.clock import Clock
from thumper.errors import Retriable

T = TypeVar("T")
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
# Once the import is to end, what is under way gets this long.
LAST_WORDS_S = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How waiting is done: on which clock, until who says stop, who is told, and for how long."""

    clock: Clock
    stopped: Callable[[], bool]
    say: Callable[[str], None]
    limit_s: float = 300.0

    def retry(self, call: Callable[[], T], kind: type[Retriable], before: Callable[[], object] = lambda: None) -> T:
        """The result of `call`, tried again after errors of `kind`; `before` is done before each further try.

        Raises the last error when patience ends.
        """
        start_s, pause_s, again = self.clock.now_s(), FIRST_PAUSE_S, False
        while True:
            try:
                if again:
                    before()
                return call()
            except kind as error:
                if self.is_over(start_s, pause_s):
                    raise
                pause_s, again = self.pause(error, pause_s), True

    def is_over(self, start_s: float, pause_s: float) -> bool:
        """Whether what has gone on since `start_s` should not go on for another `pause_s`."""
        limit_s = min(LAST_WORDS_S, self.limit_s) if self.stopped() else self.limit_s
        return self.clock.now_s() - start_s + pause_s > limit_s

    def pause(self, error: Retriable, pause_s: float) -> float:
        """Say why, and wait; the length of the next pause."""
        self.say(f"[WARN] {in_full(error)}; trying again")
        self.clock.sleep(pause_s)
        return min(2 * pause_s, LONGEST_PAUSE_S)


def in_full(error: Retriable) -> str:
    """Message and hint in one line."""
    return f"{error.message} ({error.hint})" if error.hint else error.message
