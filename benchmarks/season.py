"""A season of ten million pictures in minutes: rows straight into the tables, events straight into the log.

The rows are such that the sink could have written them: in place of its triggers the counters are counted once, and
`thumper verify` counts them again. Events are short (sha256 and uri) but valid, one for each row's place in the log.
The live group has committed behind the last picture that is done. Nothing detects or records here.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from sqlalchemy import Engine, text

from benchmarks.turns import SideFailed
from cli.wiring import DETECTOR, before_apps
from processors.detector.config import cores
from sinks.postgres.named import load_statements
from thumper.audit.rows import snapshot
from thumper.clock import SystemClock
from thumper.database import make_engine, translated
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_offsets_reader, make_producer
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.tables import BLOCK, NOWHERE

STATEMENTS = load_statements(Path(__file__).with_suffix(".sql"))
FILLED = ("image", "result", "box")
PLACES = 200
# Pictures in a row from one place. With one card after the other, a block of counters has some ten places.
CARD = 5_000
AT_ONCE = 10_000
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Season:
    """So many pictures, the first `done` of which have an outcome."""

    pictures: int
    done: int

    @property
    def failed(self) -> int:
        """Every hundredth of those that are done."""
        return len(range(7, self.done, 100))

    def numbers(self) -> dict[str, int]:
        """What the status must say."""
        return {
            "total": self.pictures,
            "pending": self.pictures - self.done,
            "processing": 0,
            "completed": self.done - self.failed,
            "failed": self.failed,
        }


def fill(settings: Settings, season: Season) -> None:
    """Make topics and tables, which must be new, and fill them. Raises SideFailed, KafkaDown, DatabaseDown."""
    before_apps(settings)
    with ThreadPoolExecutor(1) as pool:
        events = pool.submit(_emit, settings, season)
        _fill_tables(settings, season)
        events.result()
    _commit(settings, season)
    _check(settings)


def _fill_tables(settings: Settings, season: Season) -> None:
    values: dict[str, object] = {
        "partitions": settings.partitions,
        "done": season.done,
        "places": PLACES,
        "card": CARD,
        "nowhere": NOWHERE,
        "block_size": BLOCK,
    }
    engine = make_engine(settings, statement_timeout_ms=0)
    try:
        with _unburdened(engine), ThreadPoolExecutor(cores()) as pool:
            list(pool.map(lambda span: _insert(engine, span, values), _spans(season.pictures, cores())))
        for name in ("others", "count"):
            _run(engine, STATEMENTS[name], **values)
        for table in (*FILLED, "counter", "location"):
            _run(engine, f"VACUUM (ANALYZE) {table}")
    finally:
        engine.dispose()


def _insert(engine: Engine, span: tuple[int, int], values: Mapping[str, object]) -> None:
    for name in ("images", "results", "boxes"):
        _run(engine, STATEMENTS[name], **values, first=span[0], last=span[1])


@contextmanager
def _unburdened(engine: Engine) -> Iterator[None]:
    """Without a log of changes (readers do not use it), triggers and indexes; the last two come back at the end."""
    indexes = {table: _run(engine, STATEMENTS["indexes"], table=table) for table in FILLED}
    for table, some in indexes.items():
        _run(engine, f"ALTER TABLE {table} SET UNLOGGED; ALTER TABLE {table} DISABLE TRIGGER USER")
        for name, _, key, _ in some:
            _run(engine, f"ALTER TABLE {table} DROP CONSTRAINT {key}" if key else f"DROP INDEX {name}")
    yield
    for table, some in indexes.items():
        for _, definition, key, of_key in some:
            made = f"ALTER TABLE {table} ADD CONSTRAINT {key} {of_key}" if key else definition
            _run(engine, f"SET maintenance_work_mem = '1GB'; {made}")
        _run(engine, f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _spans(count: int, parts: int) -> list[tuple[int, int]]:
    """First and last number of each of so many parts of 0 ... count - 1."""
    edges = [count * number // parts for number in range(parts + 1)]
    return [(first, end - 1) for first, end in pairwise(edges) if end > first]


def _run(engine: Engine, statement: str, **values: object) -> Sequence[Any]:
    with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        done = connection.execute(text(statement), values)
        return done.all() if done.returns_rows else []


def _emit(settings: Settings, season: Season) -> None:
    """One event for each picture, at the place that its row names. Raises SideFailed if the broker refuses one."""
    producer, topic = make_producer(settings), Names(settings).topic("images")
    for partition in range(settings.partitions):
        numbers = range(partition, season.pictures, settings.partitions)
        for start in range(0, len(numbers), AT_ONCE):
            messages = [{"value": _event(number)} for number in numbers[start : start + AT_ONCE]]
            while messages:
                producer.produce_batch(topic, messages, partition=partition)
                messages = [{"value": one["value"]} for one in messages if "_error" in one]
                producer.poll(0.1 if messages else 0)
    if left := producer.flush(PATIENCE_S):
        raise SideFailed(f"{left} events were not acknowledged within {PATIENCE_S:.0f} s")
    lags = LagReader(settings)
    found = sum(lags.ends(["images"]).values())
    lags.close()
    if found != season.pictures:
        raise SideFailed(f"{found} of {season.pictures} events are in the log")


def _event(number: int) -> bytes:
    sha256 = f"{number:064x}"
    return f'{{"type":"image.imported","sha256":"{sha256}","uri":"store:///{sha256[-2:]}/{sha256}.jpg"}}'.encode()


def _commit(settings: Settings, season: Season) -> None:
    """The live group stands behind the last picture that is done."""
    topic = Names(settings).topic("images")
    places = [
        TopicPartition(topic, partition, len(range(partition, season.done, settings.partitions)))
        for partition in range(settings.partitions)
    ]
    member = make_offsets_reader(settings, DETECTOR)

    def done() -> bool:
        try:
            member.commit(offsets=places, asynchronous=False)
        except KafkaException:  # The group's coordinator is only coming.
            return False
        return True

    try:
        if not wait_until(done, SystemClock(), PATIENCE_S):
            raise SideFailed(f"the group's offsets could not be committed within {PATIENCE_S:.0f} s")
    finally:
        member.close()


def _check(settings: Settings) -> None:
    """Raises SideFailed if `thumper verify` would find a counter wrong."""
    with snapshot(settings) as tables:
        wrong = tables.all("counters", nowhere=NOWHERE, block_size=BLOCK)
    if wrong:
        raise SideFailed(f"{len(wrong)} counters are wrong: {wrong[:1]}")
