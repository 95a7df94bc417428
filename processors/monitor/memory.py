"""What only several looks together tell: what stands still, what grows, what stays open; pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from processors.monitor.seen import Past, Seen
from thumper.record import Partition

K = TypeVar("K")
LETTERS_WITHIN_S = 600.0


class Still(Generic[K]):
    """Since when each value has been what it is."""

    def __init__(self) -> None:
        self._values: dict[K, tuple[int, float]] = {}

    def note(self, values: Mapping[K, int], now_s: float) -> dict[K, float]:
        """For how long each of `values` has not changed; those that are not named any more are forgotten."""
        before = self._values
        self._values = {
            key: (value, before[key][1] if key in before and before[key][0] == value else now_s)
            for key, value in values.items()
        }
        return {key: now_s - since_s for key, (_, since_s) in self._values.items()}


class Memory:
    """Completes each look by what the looks before it were. What is not known keeps what was known of it."""

    def __init__(self) -> None:
        self._work_since_s: float | None = None
        self._positions: Still[tuple[str, Partition]] = Still()
        self._lagging: Still[tuple[str, Partition]] = Still()
        self._open: Still[Partition] = Still()
        self._letters: deque[tuple[float, int]] = deque()
        self._past = Past()

    def complete(self, seen: Seen) -> Seen:
        """The same look with its past."""
        past = self._past
        if seen.work is not None:
            past = replace(past, work_s=self._work_s(seen.work.pending, seen.now_s))
        if seen.groups is not None:
            places = {(group, one.partition): one for group, all_ in seen.groups.items() for one in all_}
            moved_s = self._positions.note({key: one.position for key, one in places.items()}, seen.now_s)
            still_s = self._lagging.note({key: one.position for key, one in places.items() if one.lag}, seen.now_s)
            past = replace(past, moved_s=moved_s, still_s=still_s)
        if seen.letters_end is not None:
            past = replace(past, letters=self._grown(seen.letters_end, seen.now_s))
        if seen.stable is not None:
            held = {part: stable for part, (stable, end) in seen.stable.items() if stable < end}
            past = replace(past, open_s=self._open.note(held, seen.now_s))
        self._past = past
        return replace(seen, past=past)

    def _work_s(self, pending: int, now_s: float) -> float | None:
        if not pending:
            self._work_since_s = None
            return None
        if self._work_since_s is None:
            self._work_since_s = now_s
        return now_s - self._work_since_s

    def _grown(self, end: int, now_s: float) -> int:
        self._letters.append((now_s, end))
        # The newest look from before the span stays: it says where the topic ended when the span began.
        while len(self._letters) > 1 and self._letters[1][0] <= now_s - LETTERS_WITHIN_S:
            self._letters.popleft()
        # A topic that was made anew begins at 0 again.
        return max(0, end - self._letters[0][1])
