"""How many dead letters a group may make before it waits for a person. Pure; known from the log alone.

What counts is which offsets of a partition have become letters, and those stand in the topic of dead letters. So a
restart, or another member, judges as the one before did.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from thumper.record import Partition


@dataclass(frozen=True, slots=True)
class CeilingPolicy:
    """run: letters in a row; share: of the last `window` offsets; both per partition. 0: no such ceiling."""

    run: int = 100
    share: float = 0.2
    window: int = 1_000


class Judged(NamedTuple):
    """A record about to be committed; bad: as a dead letter."""

    offset: int
    bad: bool


class Ceiling:
    """The letters of one group, as far as they matter."""

    def __init__(self, policy: CeilingPolicy) -> None:
        self._policy = policy
        self._letters: dict[Partition, list[int]] = {}
        self._allowed: dict[Partition, int] = {}

    def learn(self, partition: Partition, offset: int) -> None:
        """The record there has become a letter. Again does no harm."""
        known = self._letters.setdefault(partition, [])
        at = bisect_left(known, offset)
        if at == len(known) or known[at] != offset:
            insort(known, offset)

    def allow(self, partition: Partition, until: int) -> None:
        """A person has seen what lies below `until`: letters there do not count."""
        self._allowed[partition] = max(until, self._allowed.get(partition, 0))

    def excess(self, partition: Partition, records: Sequence[Judged]) -> str | None:
        """Why committing `records` (offsets rising) would be too much; None if it would not."""
        if not records:
            return None
        first, allowed = records[0].offset, self._allowed.get(partition, 0)
        known = self._letters.get(partition, [])
        before = known[bisect_left(known, max(allowed, first - self._policy.window)) : bisect_left(known, first)]
        run, recent = _run_before(before, first), list(before)
        for offset, bad in records:
            if offset < allowed:
                continue
            run = run + 1 if bad else 0
            if bad:
                recent.append(offset)
                del recent[: bisect_left(recent, offset - self._policy.window + 1)]
                if (reason := self._reason(run, len(recent))) is not None:
                    return f"{partition.topic} {partition.number}, offset {offset}: {reason}"
        return None

    def forget_before(self, places: Iterable[tuple[Partition, int]]) -> None:
        """Letters more than a window below these are not needed any more: what is known stays small."""
        for partition, offset in places:
            if (known := self._letters.get(partition)) is not None:
                del known[: bisect_left(known, offset - self._policy.window)]

    def _reason(self, run: int, recent: int) -> str | None:
        policy = self._policy
        if policy.run and run > policy.run:
            return f"more than {policy.run} messages in a row cannot be read"
        if policy.share and recent > policy.share * policy.window:
            return f"more than {policy.share:.0%} of the last {policy.window} messages cannot be read"
        return None


def _run_before(letters: Sequence[int], first: int) -> int:
    run = 0
    while run < len(letters) and letters[-1 - run] == first - 1 - run:
        run += 1
    return run
