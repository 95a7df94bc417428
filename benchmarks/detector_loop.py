"""The detector's loop without pictures and without a model, against a bare loop on the same client.

One detector process with a backend that looks at nothing reads the events that wait in `images`, and answers each in
`detections`, with everything that a real one does: order, threads, a line in the log for each picture, heartbeats,
transactions. Its clock runs from the moment when it has its partitions to the broker's time of the last outcome. Then
all outcomes are read back: each event must have exactly one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from statistics import median

from benchmarks import cpu, peers
from benchmarks.outcomes import last_of_each_once
from benchmarks.parts import PATIENCE_S, Part, Parts
from benchmarks.report import Question, Row
from benchmarks.rewind import rewind
from benchmarks.turns import OURS, SideFailed, take_turns
from benchmarks.world import World
from cli.wiring import DETECTOR
from tests.faults.synthetic import emit_images
from thumper.clock import SystemClock
from thumper.embedded.apps import environment
from thumper.embedded.waiting import wait_until
from thumper.lag import LagReader
from thumper.loop import MOST_COMMITTED
from thumper.settings import Settings
from thumper.topics import WORK, ensure_topics

NAME = "detector_loop_vs_bare"
QUESTIONS = [
    Question(NAME, "events/s", "consume, validate, build the outcome, produce, commit (benchmarks.bare_loop)"),
]
EVENTS, QUICK_EVENTS = 120_000, 5_000
# What a process shall do in a second.
WANTED = 20_000
# Pictures that nobody looks at come in large batches: what is measured is everything but the looking. Five of them are
# in hand at once, so that a transaction, for which the broker takes 10 ms and more, has about two thousand outcomes.
BATCH = 1_000
LOOK_S = 0.2
WORKER = "null"


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The row. Raises SideFailed, KafkaDown."""
    events = QUICK_EVENTS if world.asked.quick else EVENTS
    settings = world.settings.model_copy(update={"topic_prefix": "loop.", "batch_size": BATCH})
    ensure_topics(settings)
    emit_images(settings, events)
    ours = NullLoop(settings, world.folder("loop"), world.marks, events)
    groups = count()

    def bare() -> float:
        marks = {**world.marks, **environment(settings)}
        return peers.rate_of("bare_loop", "--group", f"bare-{next(groups)}", "--count", events, marks=marks)

    turns = take_turns({OURS: ours.first, NAME: bare}, world.asked.rounds, world.say, world.measure)
    row = turns.row(asked[0], f"{ours.words()}; holds: at least {WANTED:,} events/s")
    return [replace(row, holds=None if row.value is None else row.value >= WANTED)]


@dataclass
class NullLoop:
    """The null detector over all events: again and again under new groups, which read from the start, or in a replay.

    settings: where the events are. folder: for the logs.
    """

    settings: Settings
    folder: Path
    marks: Mapping[str, str]
    events: int
    used_us: list[float] = field(default_factory=list)
    groups: int = 0

    def first(self) -> float:
        """Events a second of a group that has never read. Raises SideFailed."""
        self.groups += 1
        return self._rate(self._own())

    def again(self) -> float:
        """Events a second of the group that read last, set back to the start. Raises SideFailed."""
        settings = self._own()
        lags = LagReader(settings)
        rewind(settings, DETECTOR, WORK, lags)
        lags.close()
        return self._rate(settings)

    def words(self) -> str:
        """What is worth knowing besides."""
        used = f"; processor time: {median(self.used_us):.0f} us an event" if self.used_us else ""
        return f"{self.events:,} events, batches of {BATCH:,}, at most {MOST_COMMITTED:,} a transaction{used}"

    def _own(self) -> Settings:
        return self.settings.model_copy(update={"group_prefix": f"loop-{self.groups}."})

    def _rate(self, settings: Settings) -> float:
        lags = LagReader(settings)
        starts = lags.ends(["detections"])
        with Parts(settings, self.folder / str(len(self.used_us)), self.marks) as parts:
            part = parts.null_detector(WORKER).wait_ready()
            used_s = cpu.used_s({WORKER: part.pid})[WORKER]
            _wait(lambda: lags.read(DETECTOR, WORK).lag == 0, part)
            used_s = cpu.used_s({WORKER: part.pid})[WORKER] - used_s
        end_s = last_of_each_once(settings, starts, lags.ends(["detections"]), self.events)
        lags.close()
        self.used_us.append(1e6 * used_s / self.events)
        return self.events / (end_s - part.said_at("partitions assigned").timestamp())


def _wait(holds: Callable[[], bool], part: Part) -> None:
    def looked() -> bool:
        part.check()
        return holds()

    if not wait_until(looked, SystemClock(), PATIENCE_S, LOOK_S):
        raise SideFailed(f"not all events were answered within {PATIENCE_S:.0f} s")
