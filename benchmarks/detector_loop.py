"""The detector's loop without pictures and without a model, against a bare loop on the same client.

One detector process with a backend that looks at nothing reads the events that wait in `images`, and answers each in
`detections`, with everything that a real one does: order, threads, a line in the log for each picture, heartbeats,
transactions. Its clock runs from the moment when it has its partitions to the broker's time of the last outcome. Then
all outcomes are read back: each event must have exactly one.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from statistics import median

from confluent_kafka import TopicPartition

from benchmarks import cpu, peers
from benchmarks.parts import PATIENCE_S, Part
from benchmarks.report import Question, Row
from benchmarks.turns import OURS, SideFailed, take_turns
from benchmarks.world import World
from cli.wiring import DETECTOR
from schemas.codec import DetectionOutcome, decode
from tests.faults.synthetic import emit_images
from thumper.clock import SystemClock
from thumper.embedded.apps import environment
from thumper.embedded.ready import mark_path
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_reader
from thumper.lag import LagReader
from thumper.loop import MOST_COMMITTED
from thumper.record import Partition
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
NULL_DETECTOR = ("tests.faults.null_detector", "detector", "--name", WORKER, "--latency", "0", "--unread")


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The row. Raises SideFailed, KafkaDown."""
    events = QUICK_EVENTS if world.asked.quick else EVENTS
    settings = world.settings.model_copy(update={"topic_prefix": "loop.", "batch_size": BATCH})
    ensure_topics(settings)
    emit_images(settings, events)
    ours = Ours(settings, world.folder("loop"), world.marks, events)
    groups = count()

    def bare() -> float:
        marks = {**world.marks, **environment(settings)}
        return peers.rate_of("bare_loop", "--group", f"bare-{next(groups)}", "--count", events, marks=marks)

    turns = take_turns({OURS: ours.rate, NAME: bare}, world.asked.rounds, world.say, world.measure)
    row = turns.row(asked[0], ours.words())
    return [replace(row, holds=None if row.value is None else row.value >= WANTED)]


@dataclass
class Ours:
    """The null detector, started anew for each round under a group of its own, which therefore reads from the start."""

    settings: Settings
    folder: Path
    marks: Mapping[str, str]
    events: int
    used_us: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Events a second. Raises SideFailed."""
        settings = self.settings.model_copy(update={"group_prefix": f"loop-{len(self.used_us)}."})
        lags = LagReader(settings)
        starts = lags.ends(["detections"])
        part = _start(settings, self.folder / f"{len(self.used_us)}.log", self.marks)
        try:
            used_s = cpu.used_s({WORKER: part.wait_ready().pid})[WORKER]
            _wait(lambda: lags.read(DETECTOR, WORK).lag == 0, part)
            used_s = cpu.used_s({WORKER: part.pid})[WORKER] - used_s
        finally:
            part.stop()
        end_s = _end_s(settings, starts, lags.ends(["detections"]), self.events)
        lags.close()
        self.used_us.append(1e6 * used_s / self.events)
        return self.events / (end_s - part.said_at("partitions assigned").timestamp())

    def words(self) -> str:
        """What is worth knowing besides."""
        used = f"; processor time: {median(self.used_us):.0f} us an event" if self.used_us else ""
        return (
            f"{self.events:,} events, batches of {BATCH:,}, at most {MOST_COMMITTED:,} a transaction{used};"
            f" holds: at least {WANTED:,} events/s"
        )


def _start(settings: Settings, log: Path, marks: Mapping[str, str]) -> Part:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
    given = environment(settings) | {"THUMPER_LOG_FORMAT": "json"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            (sys.executable, "-m", *NULL_DETECTOR),
            env=clean | given | dict(marks),
            cwd=peers.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the benchmark, which then stops its parts in order.
            start_new_session=True,
        )
    return Part(WORKER, process, log, mark_path(settings.data_dir, WORKER))


def _wait(holds: Callable[[], bool], part: Part) -> None:
    def looked() -> bool:
        part.check()
        return holds()

    if not wait_until(looked, SystemClock(), PATIENCE_S, LOOK_S):
        raise SideFailed(f"not all events were answered within {PATIENCE_S:.0f} s")


def _end_s(settings: Settings, starts: Mapping[Partition, int], ends: Mapping[Partition, int], events: int) -> float:
    """The broker's time of the last outcome. Raises SideFailed unless each event has exactly one."""
    sources: set[tuple[int, int]] = set()
    outcomes = last_ms = 0
    for timestamp_ms, value in _read(settings, starts, ends):
        outcome: DetectionOutcome = decode("detections", value)
        sources.add((outcome.origin.partition, outcome.origin.offset))
        outcomes += 1
        last_ms = max(last_ms, timestamp_ms)
    if not outcomes == len(sources) == events:
        raise SideFailed(f"{events} events have {outcomes} outcomes, which speak of {len(sources)} of them")
    return last_ms / 1_000


def _read(
    settings: Settings, starts: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> Iterator[tuple[int, bytes]]:
    """(the broker's milliseconds, value) of every committed outcome from `starts` to `ends`."""
    topic = Names(settings).topic("detections")
    reader = make_reader(settings)
    reader.assign([TopicPartition(topic, part.number, offset) for part, offset in starts.items()])
    left = {part.number: end for part, end in ends.items() if end > starts[part]}
    clock = SystemClock()
    until_s = clock.now_s() + PATIENCE_S
    while left:
        if clock.now_s() > until_s:
            raise SideFailed(f"the outcomes could not be read within {PATIENCE_S:.0f} s")
        for message in reader.consume(MOST_COMMITTED, LOOK_S):
            if (error := message.error()) is not None:
                raise SideFailed(f"the outcomes cannot be read: {error.str()}")
            yield message.timestamp()[1], bytes(message.value() or b"")
        for place in reader.position([TopicPartition(topic, number) for number in left]):
            if place.offset >= left[place.partition]:
                del left[place.partition]
    reader.close()
