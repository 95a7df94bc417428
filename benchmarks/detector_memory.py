"""The detector's memory: a real one, over many thousands of pictures of mixed shapes.

The pictures are imported once, and their events are repeated in the log until there are enough: a detector looks at
every event. No sink runs. Resident memory is looked at several times a second from the moment when the model is loaded:
its peak must stay below a limit, and must not grow after the first pictures.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from PIL import Image

from benchmarks import pictures, small_pictures
from benchmarks.parts import Parts
from benchmarks.report import Question, Row, answer
from benchmarks.turns import SideFailed
from benchmarks.weights import yolo26n
from benchmarks.world import World, apart
from cli.wiring import DEMO_WEIGHTS, DETECTOR, before_apps
from tests.processes import read_all
from thumper.clock import SystemClock
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_producer
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import WORK

SMALL, LARGE = "detector_memory", "detector_memory_640"
QUESTIONS = [
    Question(SMALL, "MB (peak)", "the same detector after its first 2,000 pictures", 1.1),
    Question(LARGE, "MB (peak)", "the same detector after its first 2,000 pictures", 1.1),
]
WANTED_MB = 700.0
LOOK_S = 0.25
# A picture takes longer than this only where something is wrong.
A_PICTURE_S = 0.2
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """pictures: events in all; first: after how many the memory must not grow any more; files: different ones."""

    pictures: int
    first: int
    files: int


LOADS = {SMALL: Load(100_000, 2_000, 1_000), LARGE: Load(20_000, 2_000, 208)}
QUICK = Load(200, 60, 52)


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The rows that are asked for. Raises SideFailed."""
    return [_row(world, one, QUICK if world.asked.quick else LOADS[one.name]) for one in asked]


def _row(world: World, asked: Question, load: Load) -> Row:
    source = pictures.choose(world.asked.pictures, world.work, world.say)
    card = world.folder("card")
    if asked.name == SMALL:
        weights = DEMO_WEIGHTS
        small_pictures.write([_eighth(path) for path in source.paths], load.files, card)
    else:
        _, weights = yolo26n(world.work, world.marks)
        pictures.distinct(source, load.files, card)
    home = world.folder("memory-home")
    own = {"store": (home / "store").absolute().as_uri(), "weights": weights.absolute()}
    with apart(world, asked.name, **own) as settings:
        before_apps(settings)
        with Parts(settings, world.logs, world.marks) as parts:
            parts.json_of("import", str(card.absolute()), "--json")
            _repeat(settings, load.pictures)
            first_mb, peak_mb, took_s = _watch(settings, parts, load)
    note = (
        f"{load.pictures:,} pictures, {len(source.paths)} different ones, {weights.name};"
        f" {load.pictures / took_s:.0f}/s; holds: below {WANTED_MB:.0f} MB,"
        f" and at most a tenth above the first {load.first:,}"
    )
    row = answer(asked, [peak_mb], [first_mb], note)
    return replace(row, holds=peak_mb < WANTED_MB and peak_mb <= 1.1 * first_mb)


def _eighth(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return max(16, picture.width // 8), max(16, picture.height // 8)


def _repeat(settings: Settings, count: int) -> None:
    """Repeat the events that are in the log, in no order, until there are so many. Raises SideFailed."""
    values = read_all(settings, "images")
    chance = random.Random(1)  # noqa: S311 - the same order in every run
    producer, topic = make_producer(settings), Names(settings).topic("images")
    left = count - len(values)
    while left > 0:
        messages = [{"value": value} for value in chance.choices(values, k=min(left, AT_ONCE))]
        left -= len(messages)
        producer.produce_batch(topic, messages)
        if producer.flush(30) or any("_error" in one for one in messages):
            raise SideFailed("the broker did not take all events")


def _watch(settings: Settings, parts: Parts, load: Load) -> tuple[float, float, float]:
    """(peak until the first ones were done, peak of all, seconds). Raises SideFailed."""
    lags, clock = LagReader(settings), SystemClock()
    detector = parts.start(DETECTOR, "--name", "detector-1").wait_ready()
    process = psutil.Process(detector.pid)
    seen: list[tuple[int, float]] = []

    def done() -> bool:
        detector.check()
        memory_mb = process.memory_info().rss / 1e6
        seen.append((load.pictures - lags.read(DETECTOR, WORK).lag, memory_mb))
        return seen[-1][0] >= load.pictures

    start_s = clock.now_s()
    if not wait_until(done, clock, 60 + A_PICTURE_S * load.pictures, LOOK_S):
        raise SideFailed(f"only {seen[-1][0]} of {load.pictures} pictures were done")
    took_s = clock.now_s() - start_s
    detector.stop()
    lags.close()
    first = [memory for count, memory in seen if count <= load.first] or [seen[0][1]]
    return max(first), max(memory for _, memory in seen), took_s
