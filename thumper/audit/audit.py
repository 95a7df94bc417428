"""The audit, step by step: what log, tables and store say of each other, while the system runs.

The order makes it exact. First the store is listed. Then one snapshot of the tables is taken and kept; it says how far
each partition is recorded, so that an event beyond is in flight and not missing. Then it is asked where the group
stands, where outcomes end, and where their sources end (thumper.audit.log.view_log). Then the log is read, partition by
partition, up to these ends.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from schemas.control import GroupReplayed
from thumper.audit.answers import LIVE, Answers, Passes
from thumper.audit.excuses import Excuses
from thumper.audit.findings import Findings
from thumper.audit.lean import read_outcome
from thumper.audit.log import Item, Letters, LogReader, LogView, view_log
from thumper.audit.outcomes import Outcomes, ResultRows, Waiting
from thumper.audit.pictures import PictureRows, Pictures, Removed, Sighting, Suspect
from thumper.audit.rows import Tables, snapshot
from thumper.audit.stored import Stored
from thumper.clock import Clock
from thumper.dead_letters import TOPIC as LETTERS
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.replay.book import read_book, undone_spans
from thumper.settings import Settings
from thumper.store import Store
from thumper.tables import BLOCK, NOWHERE
from thumper.topics import RECORDED

# The lock that a running import holds (producers.known.LOCK_KEY), as pg_locks shows it: two halves.
IMPORT_LOCK = (0x7468_756D, 0x7065_7202)


@dataclass(frozen=True, slots=True)
class Asked:
    """deep: read every file in the store. group: look at this group's passes only."""

    deep: bool = False
    group: str | None = None


@dataclass(slots=True)
class Report:
    """What came out. outcomes_s: how long the pass over `detections` took."""

    findings: Findings = field(default_factory=Findings)
    passes: Sequence[Passes] = ()
    seconds: float = 0.0
    outcomes_s: float = 0.0

    @property
    def events_per_s(self) -> float:
        """Outcomes compared a second."""
        events = self.findings.counted["outcomes in detections"]
        return events / self.outcomes_s if self.outcomes_s > 0 else 0.0


def audit(settings: Settings, asked: Asked, clock: Clock, say: Callable[[str], None] = lambda _: None) -> Report:
    """Compare everything. say: is told what is being done. Reads only.

    Raises KafkaDown, DatabaseDown, StoreDown; UserError if there are no tables.
    """
    start_s = clock.now_s()
    with ExitStack() as closing:
        parts = _Parts(settings, asked, clock, closing)
        store = Store(settings, clock)
        store.open()
        say("listing the store")
        stored = Stored(store, Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="thumper-verify-"))))
        stored.list_files()
        tables = closing.enter_context(snapshot(settings))
        run = _Run(parts, tables, stored, say)
        run.all()
    run.report.seconds = clock.now_s() - start_s
    return run.report


class _Parts:
    """What the audit reads with."""

    def __init__(self, settings: Settings, asked: Asked, clock: Clock, closing: ExitStack) -> None:
        self.settings, self.asked, self.clock = settings, asked, clock
        self.lags = LagReader(settings, clock)
        closing.callback(self.lags.close)
        # The second one looks single events up while the first one streams.
        self.reader, self.second = LogReader(settings, clock), LogReader(settings, clock)
        closing.callback(self.reader.close)
        closing.callback(self.second.close)

    def view(self) -> LogView:
        """Where everything stands now."""
        groups = {self.asked.group or LIVE}
        return view_log(self.settings, self.lags, sorted(groups), self.clock)

    def replays(self) -> Iterable[GroupReplayed]:
        """Those that people have begun."""
        return read_book(self.settings, self.clock, self.asked.group or LIVE).replays


class _Run:
    """One audit on one snapshot."""

    def __init__(self, parts: _Parts, tables: Tables, stored: Stored, say: Callable[[str], None]) -> None:
        self.report = Report()
        self._parts, self._tables, self._stored, self._say = parts, tables, stored, say
        self._findings = self.report.findings
        self._removals: dict[str, int] = {}

    def all(self) -> None:
        """Every step. Raises KafkaDown, DatabaseDown, StoreDown."""
        high, low = IMPORT_LOCK
        import_runs = bool(self._tables.all("import_runs", high=high, low=low)[0][0])
        recorded = self._tables.recorded()
        self._removals = self._tables.removals()
        self._findings.noted["removed pictures"] += len(self._removals)
        view = self._parts.view()
        comparable = self._same_log()
        self._recorded(recorded, view)
        excuses = Excuses(self._letters(view), self._parts.second)
        self._pictures(view, recorded if comparable else {}, excuses, comparable)
        self._outcomes(view, recorded if comparable else {}, excuses, comparable)
        self._say("recounting the tables")
        self._recount()
        self._say("comparing the store")
        self._stored.judge(self._findings, import_runs, self._findings.in_flight["facts not recorded yet"] > 0)
        if self._parts.asked.deep:
            self._say("reading every file in the store")
            self._stored.judge_bytes(self._findings, self._parts.settings.max_picture_bytes)

    def _same_log(self) -> bool:
        """Whether the rows come from this log."""
        known = self._tables.identity()
        cluster, topics = self._parts.lags.topic_identity(RECORDED)
        other = [topic for topic in RECORDED if known.get(topic, (cluster, topics[topic])) != (cluster, topics[topic])]
        for topic in other:
            example = "topic {} is {} of cluster {}, the rows come from {} of cluster {}"
            self._findings.add("other_log", example, topic, topics[topic], cluster, *reversed(known[topic]))
        return not other

    def _recorded(self, recorded: dict[Partition, int], view: LogView) -> None:
        for part, offset in sorted(recorded.items()):
            end = view.ends.get(part, 0)
            if offset > end:
                self._findings.add("recorded_beyond_log", "{} {}: recorded {}, ends at {}", *part, offset, end)
        for topic in ("requests", "facts"):
            self._findings.in_flight[f"{topic} not recorded yet"] += sum(
                max(0, end - max(recorded.get(part, 0), view.starts[part]))
                for part, end in view.ends.items()
                if part.topic == topic
            )
        if not view.settled:
            self._findings.in_flight["transactions that stay open"] += 1

    def _letters(self, view: LogView) -> Letters:
        letters = Letters(view.ends)
        place = Partition(LETTERS, 0)
        for group, part, offset in self._parts.reader.letters(view.starts[place], view.ends[place]):
            letters.add(group, part, offset)
        self._findings.noted["dead letters"] += letters.count
        return letters

    def _pictures(self, view: LogView, recorded: dict[Partition, int], excuses: Excuses, comparable: bool) -> None:
        self._say("reading images")
        rows = PictureRows(self._placed("pictures", comparable), self._placed("first_pictures", comparable), self._seen)
        removed = Removed(self._removals, self._stored.named, self._stored.voided)
        pictures = Pictures(rows, recorded, self._findings, excuses, removed)
        for number, item in self._events("images", view):
            pictures.take(number, item)
        pictures.finish()

    def _outcomes(self, view: LogView, recorded: dict[Partition, int], excuses: Excuses, comparable: bool) -> None:
        self._say("reading detections")
        start_s = self._parts.clock.now_s()
        rows = ResultRows(self._placed("results", comparable), self._placed("good_results", comparable), self._answered)
        outcomes = Outcomes(rows, recorded, self._findings, excuses, removals=self._removals)
        undone = undone_spans(self._parts.replays())
        answers = Answers(view, self._findings, self._parts.asked.group, undone)
        for number, item in self._events("detections", view):
            event = read_outcome(item.value)
            outcomes.take(number, item, event)
            if event is not None:
                answers.take(number, item.offset, event)
        outcomes.finish()
        self.report.passes = answers.judge(excuses.without)
        self.report.outcomes_s = self._parts.clock.now_s() - start_s

    def _events(self, topic: str, view: LogView) -> Iterator[tuple[int, Item]]:
        for part in sorted(view.ends):
            if part.topic == topic:
                for item in self._parts.reader.read(part, view.starts[part], view.ends[part]):
                    yield part.number, item

    def _recount(self) -> None:
        for row in self._tables.stream("counters", nowhere=NOWHERE, block_size=BLOCK):
            example = "location {}, partition {}, block {}, state {}: says {}, counted {}"
            self._findings.add("counter_wrong", example, *row)
        for row in self._tables.stream("derived"):
            self._findings.add("derived_wrong", "picture {}: state {}, by the rules {}", *row)
        for row in self._tables.stream("boxes"):
            self._findings.add("boxes_miscounted", "picture {}, model {}: says {}, has {}", *row)

    def _placed(self, name: str, comparable: bool) -> Iterable[tuple[tuple[int, int], object]]:
        return self._tables.placed(name) if comparable else ()

    def _seen(self, asked: Sequence[Sighting]) -> Iterable[Suspect]:
        ids, partitions, offsets, ms = (list(column) for column in zip(*asked, strict=True))
        rows = self._tables.all("suspect_pictures", ids=ids, partitions=partitions, offsets=offsets, ms=ms)
        return [Suspect(*row) for row in rows]

    def _answered(self, partition: int, asked: Sequence[tuple[tuple[str, str], Waiting]]) -> Iterable[Suspect]:
        ids, models = (list(column) for column in zip(*(key for key, _ in asked), strict=True))
        offsets, ms, good_offsets, good_ms = (list(column) for column in zip(*(one for _, one in asked), strict=True))
        rows = self._tables.all(
            "suspect_outcomes",
            ids=ids,
            models=models,
            partitions=[partition] * len(asked),
            offsets=offsets,
            ms=ms,
            good_offsets=good_offsets,
            good_ms=good_ms,
        )
        return [Suspect(row.log_partition, row.log_offset, row.image_id, row.absent) for row in rows]
