"""What must hold after every fault, and the names of what does not (after Jepsen's, where it has one). Pure.

I1 lost-write, unseen · I2 duplicate, int-poll-skip, nonmonotonic, double-row, asked-twice · I3 no-state ·
I4 wrong-content, random-id · I5 inconsistent-offsets · I6 G1a · I7 stuck · I8 open-transaction · I9 dishonest-status
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.evidence import Evidence, Outcome, Reset

# What each class of wrong counts as in the last line of a soak.
LOST = frozenset({"lost-write", "int-poll-skip", "no-state"})
TWICE = frozenset({"duplicate", "nonmonotonic", "double-row", "asked-twice"})
KINDS = (
    *("lost-write", "unseen", "duplicate", "int-poll-skip", "nonmonotonic", "double-row", "asked-twice", "no-state"),
    *("wrong-content", "random-id", "inconsistent-offsets", "G1a", "stuck", "open-transaction", "dishonest-status"),
    "broken",
)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. count: how many of it."""

    kind: str
    what: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.kind} ({self.count}): {self.what}"


def check(evidence: Evidence) -> list[Violation]:
    """All that is wrong; nothing of it is right to have."""
    rules: Sequence[Callable[[Evidence], Iterator[Violation]]] = (
        _nothing_lost,
        _nothing_twice,
        _every_event_answered_once_a_pass,
        _one_state,
        _right_content,
        _rows_follow_the_log,
        _progress,
        _honest_status,
    )
    return [violation for rule in rules for violation in rule(evidence)]


def _nothing_lost(seen: Evidence) -> Iterator[Violation]:
    """I1."""
    announced, shown = set(seen.events.values()), {row.image_id for row in seen.rows}
    yield from _each("lost-write", "acknowledged and not in the log", seen.acked.keys() - announced)
    yield from _each("lost-write", "acknowledged and without a picture's row", seen.acked.keys() - seen.states.keys())
    yield from _each("lost-write", "acknowledged and without a result", seen.acked.keys() - shown)
    yield from _each("unseen", "in the log and never sent", announced - seen.tried.keys())
    yield from _each("unseen", "in the tables and never sent", (shown | seen.states.keys()) - seen.tried.keys())


def _nothing_twice(seen: Evidence) -> Iterator[Violation]:
    """I2, in the tables and among the requests."""
    rows = Counter((row.image_id, row.model_id) for row in seen.rows)
    yield from _each("double-row", "picture and model", [key for key, count in rows.items() if count > 1])
    pictures = Counter(row.image_id for row in seen.rows)
    yield from _each("double-row", "picture", [key for key, count in pictures.items() if count > 1])
    asked = Counter(seen.request_ids)
    yield from _each("asked-twice", "request", [key for key, count in asked.items() if count > 1])


def _every_event_answered_once_a_pass(seen: Evidence) -> Iterator[Violation]:
    """I2, in the log: the offsets that are answered rise without holes, and go back where a reset says so."""
    answered: dict[tuple[str, int], list[int]] = defaultdict(list)
    for outcome in seen.outcomes:
        answered[outcome.answers.topic, outcome.answers.partition].append(outcome.answers.offset)
    ends: dict[tuple[str, int], int] = defaultdict(int)
    for place in seen.events:
        ends[place.topic, place.partition] = max(ends[place.topic, place.partition], place.offset + 1)
    for source in sorted(ends.keys() | answered.keys()):
        resets = [reset for reset in seen.resets if (reset.topic, reset.partition) == source]
        yield from _Passes(source, resets, ends[source]).follow(answered[source])


class _Pass(NamedTuple):
    start: int
    stop: int


class _Passes:
    """The passes that the resets make of one source partition, and what differs from them."""

    def __init__(self, source: tuple[str, int], resets: Sequence[Reset], end: int) -> None:
        self._source = source
        starts = [0, *(reset.to for reset in resets)]
        stops = [*(reset.stood for reset in resets), end]
        self._passes = [_Pass(*both) for both in zip(starts, stops, strict=True)]
        self._next = 0
        self._at = 0

    def follow(self, answered: Sequence[int]) -> Iterator[Violation]:
        for offset in answered:
            while self._next >= self._now.stop and self._at + 1 < len(self._passes):
                self._begin_next()
            if offset > self._next:
                yield from self._hole(offset)
            elif offset < self._next:
                yield self._repeat(offset)
                continue
            self._next = max(self._next, offset + 1)
        while True:
            if self._next < self._now.stop:
                yield self._violation("int-poll-skip", f"{self._next} to {self._now.stop - 1}", self._left())
            if self._at + 1 == len(self._passes):
                return
            self._begin_next()

    @property
    def _now(self) -> _Pass:
        return self._passes[self._at]

    def _left(self) -> int:
        return self._now.stop - self._next

    def _begin_next(self) -> None:
        self._at += 1
        self._next = self._now.start

    def _hole(self, offset: int) -> Iterator[Violation]:
        yield self._violation("int-poll-skip", f"{self._next} to {offset - 1}", offset - self._next)

    def _repeat(self, offset: int) -> Violation:
        return self._violation("duplicate" if offset == self._next - 1 else "nonmonotonic", str(offset), 1)

    def _violation(self, kind: str, offsets: str, count: int) -> Violation:
        topic, partition = self._source
        return Violation(kind, f"{topic} {partition}: offset {offsets} in pass {self._at + 1}", count)


def _one_state(seen: Evidence) -> Iterator[Violation]:
    """I3: each picture is completed or failed."""
    open_ones = [key for key in seen.acked if seen.states.get(key, "completed") not in ("completed", "failed")]
    yield from _each("no-state", "neither completed nor failed", open_ones)


def _right_content(seen: Evidence) -> Iterator[Violation]:
    """I4: every outcome and every row is what follows from the picture; an id follows from what is answered."""
    numbers = seen.tried
    wrong = [o for o in seen.outcomes if o.image_id in numbers and o.answer != seen.answer_of(numbers[o.image_id])]
    yield from _each("wrong-content", "outcome of", [outcome.image_id for outcome in wrong])
    rows = [r for r in seen.rows if r.image_id in numbers and r.answer != seen.answer_of(numbers[r.image_id])]
    yield from _each("wrong-content", "row of", [row.image_id for row in rows])
    other = [outcome.image_id for outcome in seen.outcomes if seen.events.get(outcome.answers) != outcome.image_id]
    yield from _each("wrong-content", "answers the event of another picture, or none", other)
    strange = [outcome.image_id for outcome in seen.outcomes if outcome.id != seen.id_of(outcome)]
    yield from _each("random-id", "outcome of", strange)


def _rows_follow_the_log(seen: Evidence) -> Iterator[Violation]:
    """I5, I6: a row shows a committed outcome, and the newest one below the sink's position."""
    committed = {(outcome.partition, outcome.offset): outcome for outcome in seen.outcomes}
    newest: dict[str, Outcome] = {}
    for outcome in seen.outcomes:
        if outcome.offset < seen.recorded.get(outcome.partition, 0):
            newest[outcome.image_id] = outcome
    for row in seen.rows:
        shown = committed.get((row.partition, row.offset))
        if shown is None or (shown.image_id, shown.attempt) != (row.image_id, row.attempt):
            yield Violation(
                "G1a", f"row of {row.image_id} shows detections {row.partition} {row.offset}, not committed"
            )
    places = {row.image_id: (row.partition, row.offset) for row in seen.rows}
    for image_id, outcome in newest.items():
        place = places.get(image_id)
        if place is None or (place[0] == outcome.partition and place[1] < outcome.offset):
            yield Violation("inconsistent-offsets", f"row of {image_id}: {place}, passed {outcome.offset}")


def _progress(seen: Evidence) -> Iterator[Violation]:
    """I7, I8, and nobody broke."""
    for group, lag in seen.lag.items():
        if lag:
            yield Violation("stuck", f"{group} is {lag} behind after the time to recover", lag)
    for where in seen.open_transactions:
        yield Violation("open-transaction", where)
    for what in seen.broken:
        yield Violation("broken", what)


def _honest_status(seen: Evidence) -> Iterator[Violation]:
    """I9."""
    known = 0
    for number, now in enumerate(seen.samples):
        if now.pending + now.processing + now.completed + now.failed != now.total:
            yield Violation("dishonest-status", f"sample {number} does not add up: {now}")
        if now.total < now.acked:
            yield Violation("dishonest-status", f"sample {number} knows less than was acknowledged: {now}")
        if now.total < known:
            yield Violation("dishonest-status", f"sample {number} has forgotten pictures: {now}, {known} before")
        known = max(known, now.total)
    states = Counter(seen.states.values())
    if seen.last is not None and (
        not seen.last.is_done or (seen.last.completed, seen.last.failed) != (states["completed"], states["failed"])
    ):
        yield Violation("dishonest-status", f"drained, the API says {seen.last}; the tables say {dict(states)}")


def _each(kind: str, what: str, found: "Mapping[str, object] | set[str] | Sequence[object]") -> Iterator[Violation]:
    """One violation for all of a kind, with some of them by name."""
    if found:
        names = ", ".join(sorted(map(str, found))[:5])
        yield Violation(kind, f"{what}: {names}", len(found))


def counted(violations: Sequence[Violation], kinds: frozenset[str]) -> int:
    """How many things of these kinds."""
    return sum(violation.count for violation in violations if violation.kind in kinds)
