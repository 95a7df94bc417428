"""How long to wait before trying again: doubling, bounded, and spread so that many do not come back at once."""

from collections.abc import Callable


class Backoff:
    """Waits of floor_s to ceiling_s. `random`: numbers in [0, 1); a wait is half fixed, half chance."""

    def __init__(self, random: Callable[[], float], floor_s: float = 0.2, ceiling_s: float = 10.0) -> None:
        self._random = random
        self._floor_s = floor_s
        self._ceiling_s = ceiling_s
        self._next_s = floor_s

    def next_s(self) -> float:
        """Seconds to wait this time."""
        whole_s = self._next_s
        self._next_s = min(2 * whole_s, self._ceiling_s)
        return max(self._floor_s, whole_s * (0.5 + 0.5 * self._random()))

    def reset(self) -> None:
        """It worked."""
        self._next_s = self._floor_s
