"""The sink against a bare COPY of the same rows into tables with the same indexes, taking turns in one run.

    python -m benchmarks.sink postgresql://user:password@host/an_empty_database

The sink's side is events to rows, staging, guards, boxes, states, counters and offsets, with one commit a batch; COPY's
side is nothing but ready-made text into two tables, with as many commits.
"""

import gc
import hashlib
import io
import random
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2's classes have lower-case names
from pydantic import SecretStr
from sqlalchemy import Engine, text

from benchmarks.report import Question, Row, answer, table
from schemas.detection import Batch, Box, DetectionCompleted, ModelRef, Runtime, SourceRef, Timings
from schemas.fact import ModelActivated, ModelAdded
from schemas.image import ImageImported, image_id
from sinks.postgres.copy_text import NULL, copy_text
from sinks.postgres.fold import Item, fold
from sinks.postgres.migrate import migrate
from sinks.postgres.rows import COLUMNS
from sinks.postgres.writer import PostgresWriter
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.errors import UserError
from thumper.record import Partition, Record
from thumper.settings import Settings

BATCH = 5_000
ROUNDS = 8
PARTITIONS = 12
QUESTIONS = [
    Question("sink_images_vs_copy", "pictures/s", "COPY into image with the same indexes"),
    Question("sink_vs_copy", "outcomes/s", "COPY into result and box with the same indexes", 0.25),
]
CLASSES = ("cattle", "pig", "raccoon", "doe", "unknown", "buck")
# Most trail-camera pictures are empty or show one animal; a herd now and then.
COUNTS = (0, 0, 0, 1, 1, 1, 2, 2, 3, 8)
MODEL = ModelRef(
    id=hashlib.sha256(b"model").hexdigest(),
    name="bench",
    weights_sha256=hashlib.sha256(b"weights").hexdigest(),
    input_px=640,
)


def run(database_url: str, rounds: int = ROUNDS) -> list[Row]:
    """Rows of results, from so many batches after one that warms up both sides.

    The database must be empty: it is filled. Raises UserError, DatabaseDown.
    """
    settings = Settings(database_url=SecretStr(database_url))
    migrate(settings)
    engine = make_engine(settings, statement_timeout_ms=0)
    writer = PostgresWriter(engine)
    try:
        prepare(engine, writer)
        images, outcomes = history(BATCH * (rounds + 1))
        gc.collect()
        gc.freeze()
        of_images, of_outcomes = QUESTIONS
        return [
            _compare(of_images, images, ("image",), engine, writer),
            _compare(of_outcomes, outcomes, ("result", "box"), engine, writer),
        ]
    finally:
        gc.unfreeze()
        writer.close()
        engine.dispose()


def prepare(engine: Engine, writer: PostgresWriter) -> None:
    """Tables for the bare COPY, and the model that is in use. Raises UserError if the database has pictures."""
    with engine.begin() as connection:
        if connection.execute(text("SELECT EXISTS (SELECT FROM image)")).scalar():
            raise UserError("this database has pictures already", "give an empty database: the benchmark fills it")
        for table in ("image", "result", "box"):
            connection.execute(text(f"DROP TABLE IF EXISTS bare_{table}"))
            connection.execute(text(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"))
    added = ModelAdded(
        type="model.added",
        model=MODEL,
        classes=CLASSES,
        store_threshold=0.05,
        display_threshold=0.5,
        iou=0.45,
        max_boxes=20,
    )
    activated = ModelActivated(type="model.activated", model_id=MODEL.id)
    facts = Partition("facts", 0)
    writer.write(fold([(Record(facts, 0, None), added), (Record(facts, 1, None), activated)]))


def _compare(
    asked: Question, items: Sequence[Item], tables: tuple[str, ...], engine: Engine, writer: PostgresWriter
) -> Row:
    """Write `items` in batches by the sink and by bare COPY in turn; the first batch warms up both."""
    raw = engine.raw_connection()
    connection = raw.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError("psycopg2 is wanted")
    ours, bare = [], []
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        rows = fold(batch)
        texts = {table: copy_text(table, getattr(rows, table)) for table in tables if getattr(rows, table)}
        ours.append(rate(lambda batch=batch: writer.write(fold(batch))))  # type: ignore[misc]
        bare.append(rate(lambda texts=texts: _bare_copy(connection, texts)))  # type: ignore[misc]
    raw.close()
    return answer(asked, ours[1:], bare[1:], f"batches of {BATCH}, each into fuller tables")


def rate(action: Callable[[], object]) -> float:
    """Rows a second, for an action that writes a batch."""
    clock = SystemClock()
    start_s = clock.now_s()
    action()
    return BATCH / (clock.now_s() - start_s)


def _bare_copy(connection: Connection, texts: dict[str, bytes]) -> None:
    with connection.cursor() as cursor:
        for table, content in texts.items():
            columns = ", ".join(COLUMNS[table])
            cursor.copy_expert(f"COPY bare_{table} ({columns}) FROM STDIN WITH (NULL '{NULL}')", io.BytesIO(content))
    connection.commit()


def history(count: int) -> tuple[list[Item], list[Item]]:
    """Pictures and their outcomes, spread over partitions by key as Kafka does."""
    chance = random.Random(1)  # noqa: S311 - the same rows in every run
    ends = [0] * PARTITIONS
    images: list[Item] = []
    outcomes: list[Item] = []
    for n in range(count):
        sha256 = hashlib.sha256(str(n).encode()).hexdigest()
        partition = int(sha256[:4], 16) % PARTITIONS
        offset = ends[partition]
        ends[partition] += 1
        images.append((Record(Partition("images", partition), offset, None, timestamp_ms=n), _imported(n, sha256)))
        of = SourceRef(topic="images", partition=partition, offset=offset, event_id=f"import:{sha256}", timestamp_ms=n)
        record = Record(Partition("detections", partition), offset, None, timestamp_ms=n)
        outcomes.append((record, _outcome(sha256, of, chance)))
    return images, outcomes


def _imported(n: int, sha256: str) -> ImageImported:
    return ImageImported(
        sha256=sha256,
        uri=f"store:///{sha256[:2]}/{sha256}.jpg",
        size_bytes=2_000_000 + n,
        media_type="image/jpeg",
        filename=f"IMG_{n:06}.JPG",
        path=f"270_Jason/IMG_{n:06}.JPG",
        location=("270_Jason", "Hayfield", "Sanctuary")[n % 3],
        captured_at=datetime(2025, 1, 1) + timedelta(seconds=30 * n),
        captured_at_source="exif",
        width_px=4_000,
        height_px=3_000,
        exif={"ISO": "100", "ExposureTime": "1/200", "FNumber": "2.8"},
        import_id="bench",
    )


def _outcome(sha256: str, of: SourceRef, chance: random.Random) -> DetectionCompleted:
    return DetectionCompleted(
        type="detection.completed",
        image_id=image_id(sha256),
        group="detector",
        model=MODEL,
        origin=of,
        worker="detector-1",
        runtime=Runtime(backend="openvino", version="2026.4", device="CPU", precision="bf16"),
        timings=Timings(queue_ms=120.5, read_ms=2.25, decode_ms=8.5, infer_ms=11.25, total_ms=140.75),
        batch=Batch(id=sha256[:16], size=8),
        width_px=4_000,
        height_px=3_000,
        boxes=tuple(_box(chance) for _ in range(chance.choice(COUNTS))),
    )


def _box(chance: random.Random) -> Box:
    class_id = chance.randrange(len(CLASSES))
    x1, y1, width, height = (chance.random() / 2 for _ in range(4))
    return Box(
        class_id=class_id,
        class_name=CLASSES[class_id],
        confidence=chance.random(),
        x1=x1,
        y1=y1,
        x2=x1 + width,
        y2=y1 + height,
    )


if __name__ == "__main__":
    print(table(run(sys.argv[1])))
