"""The order in which a group answered a partition: passes, and what was answered twice within one. Pure.

A group goes through a partition in rising order. Set back (a replay), it begins a new pass, which is no fault. But a
pass that begins further back and is left again before it comes to where the group had been, because the outcomes
go on behind that point, was none: what it holds was answered twice. (A replay that is broken off by setting
the group forward again looks exactly like this, and is told as this.) A replay that is still on its way is known by the
group's committed offset, which is not beyond the point either.

One outcome at the same offset as the one before it may be a replay of that one event; if the two are the same to the
letter (`mark`), it was written twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Set back so often without ever coming forward again, the oldest points are forgotten.
MOST_OPEN = 1_000


class Repeat(NamedTuple):
    """Answered twice within a pass: so many outcomes at offsets from `first` to `last`."""

    first: int
    last: int
    outcomes: int


@dataclass(slots=True)
class _Detour:
    """A pass that began below `top`, the last offset before it. again: how many offsets of it were answered before."""

    top: int
    first: int
    again: int = 0


class Track:
    """The outcomes of one group for one source partition, as they follow each other in one partition of outcomes.

    Not every source offset must come by here: where keys spread them over several partitions, each has its own track.
    """

    def __init__(self) -> None:
        self.outcomes = 0
        self.last = -1
        self._passes = 1
        self._mark: object = None
        self._open: list[_Detour] = []

    @property
    def passes(self) -> int:
        """How often the group went over the partition, or a part of it."""
        return self._passes if self.outcomes else 0

    def add(self, offset: int, again: bool = False, mark: object = None) -> Sequence[Repeat]:
        """Take the next outcome; what turns out to be repeated by it.

        again: the same group has answered this offset by the same model before. mark: equal only for the same outcome.
        """
        self.outcomes += 1
        found: Sequence[Repeat] = ()
        if offset <= self.last:
            if offset == self.last and mark is not None and mark == self._mark:
                return (Repeat(offset, offset, 1),)
            self._begin(offset)
        elif self._open:
            found = self._pass_by(offset)
        if again and self._open:
            self._open[-1].again += 1
        self.last = offset
        self._mark = mark
        return found

    def end(self, committed: int | None) -> Sequence[Repeat]:
        """The log ends, and the group stands at `committed` (None: unknown): passes below it do not go on."""
        return () if committed is None else self._pass_by(committed)

    def _begin(self, offset: int) -> None:
        self._passes += 1
        self._open.append(_Detour(self.last, offset))
        del self._open[:-MOST_OPEN]

    def _pass_by(self, offset: int) -> list[Repeat]:
        """Close the detours whose point lies below `offset`: those that did not come to it were none."""
        found: list[Repeat] = []
        while self._open and offset > self._open[-1].top:
            detour = self._open.pop()
            if self.last >= detour.top:
                if self._open:
                    self._open[-1].again += detour.again
                continue
            if detour.again:
                found.append(Repeat(detour.first, self.last, detour.again))
                self._passes -= 1
            self.last = detour.top
        return found
