"""A replay against the first time: the detector's loop over all events again, and the sink over all outcomes again.

The detector: one with a null backend reads all events under a group that has never read; then the stopped group is set
back to the start, and it reads them again. Both answer every event, and are compared in turn.

The sink: a replay's outcomes speak of pictures that have one already, and stand later in the log. So every row meets
its guard and is replaced, boxes and all, where the first time they were only added.
"""

import gc
from collections.abc import Sequence

from benchmarks import sink
from benchmarks.detector_loop import BATCH, NullLoop
from benchmarks.report import Question, Row, answer
from benchmarks.turns import OURS, SideFailed, take_turns
from benchmarks.world import World, apart
from sinks.postgres.fold import Item, fold
from sinks.postgres.migrate import migrate
from sinks.postgres.writer import PostgresWriter
from tests.faults.synthetic import emit_images
from thumper.database import make_engine
from thumper.settings import Settings
from thumper.topics import ensure_topics

LOOP, SINK = "replay_vs_first", "sink_replay_vs_first"
QUESTIONS = [
    Question(LOOP, "events/s", "the same events under a group that has never read", 0.9),
]
SINK_QUESTIONS = [
    Question(SINK, "outcomes/s", "the outcomes of the first time, into tables without any", 0.5),
]
EVENTS, QUICK_EVENTS = 100_000, 5_000
# Of each kind, so many: the numbers come from whole passes of half a dozen seconds.
MOST_ROUNDS = 3


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The detector's row. Raises SideFailed, KafkaDown."""
    events = QUICK_EVENTS if world.asked.quick else EVENTS
    with apart(world, "bench_replay", batch_size=BATCH) as settings:
        ensure_topics(settings)
        emit_images(settings, events)
        loop = NullLoop(settings, world.folder("replay"), world.marks, events)
        world.say(f"first pass, not counted: {loop.first():,.0f} events/s")
        rounds = min(MOST_ROUNDS, world.asked.rounds)
        turns = take_turns({OURS: loop.again, LOOP: loop.first}, rounds, world.say, world.measure)
    return [turns.row(asked[0], loop.words())]


def run_sink(world: World, asked: Sequence[Question]) -> list[Row]:
    """The sink's row. Raises SideFailed, DatabaseDown."""
    count = sink.BATCH * (2 if world.asked.quick else EVENTS // sink.BATCH)
    with apart(world, "bench_sink_replay") as settings:
        return [sink_row(asked[0], settings, count)]


def sink_row(asked: Question, settings: Settings, count: int) -> Row:
    """The row, from so many pictures in whole batches. The database is empty. Raises SideFailed, DatabaseDown."""
    migrate(settings)
    engine = make_engine(settings, statement_timeout_ms=0)
    writer = PostgresWriter(engine)
    try:
        sink.prepare(engine, writer)
        images, outcomes = sink.history(count)
        rates(writer, images)
        gc.collect()
        gc.freeze()
        first, again = rates(writer, outcomes), rates(writer, later(outcomes))
    finally:
        gc.unfreeze()
        writer.close()
        engine.dispose()
    return answer(asked, again, first, f"{count:,} outcomes in batches of {sink.BATCH:,}")


def rates(writer: PostgresWriter, items: Sequence[Item]) -> list[float]:
    """Items a second of each batch. Raises SideFailed if one of them changed nothing."""

    def write(batch: Sequence[Item]) -> None:
        written = writer.write(fold(batch))
        if written.absorbed:
            raise SideFailed(f"{written.absorbed} of {len(batch)} rows changed nothing: they were there already")

    starts = range(0, len(items), sink.BATCH)
    return [sink.rate(lambda start=start: write(items[start : start + sink.BATCH])) for start in starts]  # type: ignore[misc]


def later(outcomes: Sequence[Item]) -> list[Item]:
    """The same as a replay writes them: behind all others of their partition."""
    ends = max(record.offset for record, _ in outcomes) + 1
    return [
        (record._replace(offset=record.offset + ends, timestamp_ms=record.timestamp_ms + ends), event)
        for record, event in outcomes
    ]
