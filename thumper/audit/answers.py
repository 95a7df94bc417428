"""Who answered which events: nothing lost, nothing twice, how many passes, and what is still to be answered.

Memory: per group two bits for each event of `images` and `requests`, however often it was answered (100 million
pictures: 25 MB), one more for each further model, and a few numbers per partition.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from thumper.audit.bits import Bits
from thumper.audit.findings import Findings
from thumper.audit.lean import Outcome
from thumper.audit.log import LogView
from thumper.audit.passes import Repeat, Track
from thumper.record import Partition
from thumper.topics import WORK

# The group that starts at the log's beginning and answers everything.
LIVE = "detector"
# Which of these offsets were really passed by: group, source partition, offsets, the group's models (if known).
Unexcused = Callable[[str, Partition, Iterable[int], frozenset[str] | None], Iterable[int]]


# Group, source topic and partition; offsets from and up to where.
_Place = tuple[str, str, int]
_Spans = Sequence[tuple[int, int]]
_NONE: Mapping[_Place, _Spans] = MappingProxyType({})


@dataclass(slots=True)
class Passes:
    """One group on one source partition. repeated: outcomes that answer twice within a pass."""

    group: str
    topic: str
    partition: int
    outcomes: int = 0
    passes: int = 0
    repeated: int = 0
    lost: int = 0
    unanswered: int = 0
    again: int = 0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Source:
    """What a group has answered of a source partition. passed: behind the last of it."""

    answered: Bits
    by_model: dict[str, Bits] = field(default_factory=dict)
    tracks: dict[int, Track] = field(default_factory=dict)
    passed: int = 0
    repeated: int = 0


class Answers:
    """Takes the events of `detections` in the order of each partition. only: one group, None: all.

    undone: replays that were broken off in order, each from and up to where in its source partition.
    """

    def __init__(
        self, view: LogView, findings: Findings, only: str | None = None, undone: Mapping[_Place, _Spans] = _NONE
    ) -> None:
        self._undone = undone
        self._view = view
        self._findings = findings
        self._only = only
        self._sources: dict[tuple[str, str, int], _Source] = {}

    def take(self, partition: int, offset: int, event: Outcome) -> None:
        """An outcome, and where it stands in `detections`."""
        origin, group = event["origin"], event["group"]
        topic, number, answered = origin["topic"], origin["partition"], origin["offset"]
        if self._only is not None and group != self._only:
            return
        source = self._sources.get((group, topic, number)) or self._source(group, Partition(topic, number))
        if not 0 <= answered < source.answered.size:
            example = "detections {} at offset {}: answers {} {} at offset {}"
            self._findings.add("unknown_source", example, partition, offset, topic, number, answered)
            return
        model = event["model"]["id"]
        by_model = source.by_model.get(model)
        if by_model is None:
            by_model = source.by_model[model] = Bits(source.answered.size)
        source.answered.add(answered)
        source.passed = max(source.passed, answered + 1)
        track = source.tracks.get(partition)
        if track is None:
            track = source.tracks[partition] = Track()
        mark = event.get("finished_at")
        again = not by_model.add(answered)
        for repeat in track.add(answered, again, mark and (mark, event["worker"])):
            self._repeated((group, topic, number), source, repeat)

    def judge(self, unexcused: Unexcused) -> list[Passes]:
        """There are no more outcomes. Lines by group, topic and partition."""
        seen = {group for group, _, _ in self._sources}
        return [
            self._judge(group, part, unexcused)
            for group in sorted({self._only} if self._only is not None else seen | {LIVE})
            for part in sorted(self._view.ends)
            if part.topic in WORK
        ]

    def _source(self, group: str, part: Partition) -> _Source:
        found = _Source(Bits(self._view.ends.get(part, 0)))
        if part in self._view.ends:
            self._sources[group, *part] = found
        return found

    def _repeated(self, key: _Place, source: _Source, repeat: Repeat) -> None:
        if any(low <= repeat.first and repeat.last < high for low, high in self._undone.get(key, ())):
            self._findings.noted["outcomes of replays that were undone"] += repeat.outcomes
            return
        source.repeated += repeat.outcomes
        example = "group {}: {} {} at offsets {} to {}"
        self._findings.add("duplicate", example, *key, repeat.first, repeat.last, count=repeat.outcomes)

    def _judge(self, group: str, part: Partition, unexcused: Unexcused) -> Passes:
        key = (group, *part)
        source = self._sources.get(key) or self._source(group, part)
        committed = self._view.committed.get(group, {}).get(part)
        line = Passes(*key)
        for track in source.tracks.values():
            for repeat in track.end(committed):
                self._repeated(key, source, repeat)
            line.outcomes += track.outcomes
            line.passes = max(line.passes, track.passes)
        line.repeated = source.repeated
        start = self._view.starts[part] if group == LIVE else source.answered.first()
        passed = max(source.passed, start)
        if committed is not None and self._view.settled:
            passed = max(passed, min(committed, source.answered.size))
        line.lost = self._lost(key, unexcused(group, part, _missing(source, start, passed), self._models(group)))
        if group in self._view.committed:
            line.unanswered = max(0, source.answered.size - passed)
            line.again = 0 if committed is None else max(0, passed - max(committed, start))
            self._findings.in_flight["events not answered yet"] += line.unanswered
            self._findings.in_flight["events to be answered again"] += line.again
        return line

    def _models(self, group: str) -> frozenset[str] | None:
        """Which models the group has answered by; None if it has never answered."""
        found = {model for (of, _, _), source in self._sources.items() if of == group for model in source.by_model}
        return frozenset(found) or None

    def _lost(self, key: tuple[str, str, int], offsets: Iterable[int]) -> int:
        lost = 0
        for low, high in _ranges(offsets):
            lost += high - low
            example = "group {}: {} {} at offsets {} to {}"
            self._findings.add("lost", example, *key, low, high - 1, count=high - low)
        return lost


def _missing(source: _Source, start: int, stop: int) -> Iterator[int]:
    for low, high in source.answered.missing(start, stop):
        yield from range(low, high)


def _ranges(offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising offsets as ranges [low, high)."""
    low = high = -1
    for offset in offsets:
        if offset != high:
            if high > low:
                yield low, high
            low = offset
        high = offset + 1
    if high > low:
        yield low, high


def summary(lines: Iterable[Passes]) -> Mapping[str, Mapping[str, int]]:
    """By group: the most passes over any partition, and all outcomes."""
    found: dict[str, Counter[str]] = {}
    for line in lines:
        of_group = found.setdefault(line.group, Counter())
        of_group["outcomes"] += line.outcomes
        of_group["passes"] = max(of_group["passes"], line.passes)
    return found
