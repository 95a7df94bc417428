"""Sides that take turns, so that whatever else the machine does meets all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.cpu import QUIET
from benchmarks.report import Question, Row, answer, unmeasured
from thumper.errors import ThumperError

# Runs one side once; its rate. Raises SideFailed, or any other ThumperError, if it cannot.
Side = Callable[[], float]
# Runs a side; its rate, and the share of all processors that others used meanwhile, in percent (cpu.Watch.measured).
Measure = Callable[[Side], tuple[float, float]]
Say = Callable[[str], None]
OURS = "ours"
# Where others disturb, there are so many times more rounds at most, of which the quietest count.
MOST_TIMES = 3


class SideFailed(ThumperError):
    """A side cannot run; its text says why, in a line."""


def unwatched(side: Side) -> tuple[float, float]:
    """The Measure that does not look at others."""
    return side(), 0.0


@dataclass(frozen=True, slots=True)
class Turns:
    """(rate, share of others) by side, one for each round; failed: why a side gave up. wanted: rounds that count."""

    wanted: int
    measured: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def row(self, asked: Question, note: str = "") -> Row:
        """Ours against the side that bears the question's name, in the rounds in which others disturbed least."""
        for side in (OURS, asked.name):
            if side in self.failed:
                return unmeasured(asked, f"{side}: {self.failed[side]}" if side == OURS else self.failed[side])
        chosen = sorted(self._disturbed(asked.name))[: self.wanted]
        numbers = sorted(number for _, number in chosen)
        ours, peers = ([self.measured[side][number][0] for number in numbers] for side in (OURS, asked.name))
        row = answer(asked, ours, peers, note)
        return replace(row, disturbed=round(max(share for share, _ in chosen), 1))

    def is_enough(self) -> bool:
        """Whether every side has as many quiet rounds as are wanted."""
        names = [name for name in self.measured if name not in self.failed]
        return all(sum(share <= QUIET for share, _ in self._disturbed(name)) >= self.wanted for name in names)

    def _disturbed(self, name: str) -> list[tuple[float, int]]:
        """For each round, what disturbed ours or this side, and the round's number."""
        pairs = zip(self.measured[OURS], self.measured[name], strict=True)
        return [(max(ours[1], peer[1]), number) for number, (ours, peer) in enumerate(pairs)]


def take_turns(sides: Mapping[str, Side], rounds: int, say: Say, measure: Measure = unwatched) -> Turns:
    """Run every side once a round: A B C, A B C, ... until there are enough quiet rounds, or MOST_TIMES as many.

    A side that fails drops out; without OURS, which comes first, nothing goes on.
    """
    turns = Turns(rounds, {name: [] for name in sides})
    number = 0
    while number < MOST_TIMES * rounds and OURS not in turns.failed and (number < rounds or not turns.is_enough()):
        number += 1
        for name, side in sides.items():
            if name in turns.failed or OURS in turns.failed:
                continue
            try:
                turns.measured[name].append(measure(side))
            except ThumperError as error:
                turns.failed[name] = str(error)
        say(f"round {number}: {_words(turns)}")
    return turns


def best(candidates: Sequence[str], rate: Callable[[str], float], say: Say, measure: Measure = unwatched) -> str:
    """The candidate with the highest rate; each is tried twice, and its better time counts. Raises SideFailed."""
    rates = {one: max(measure(lambda one=one: rate(one))[0] for _ in range(2)) for one in candidates}  # type: ignore[misc]
    say("tried: " + ", ".join(f"{candidate} {found:,.1f}/s" for candidate, found in rates.items()))
    return max(rates, key=lambda candidate: rates[candidate])


def _words(turns: Turns) -> str:
    return ", ".join(f"{name} {_last(turns, name)}" for name in turns.measured)


def _last(turns: Turns, name: str) -> str:
    if name in turns.failed or not turns.measured[name]:
        return "failed"
    rate, others = turns.measured[name][-1]
    return f"{rate:,.1f}/s ({others:.0f} % others)"
