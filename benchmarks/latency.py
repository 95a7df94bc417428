"""One picture into an idle system: from just before its event is sent until its outcome's row can be read.

Broker, database, a real detector with the demo model and a real sink run and have nothing to do; the pictures lie in
the store already. Each is sent alone, a random part of a second after the last was recorded, so that it meets all waits
at any phase. The row is asked for by its key every 2 ms, which is what the figures may be too high by.
"""

import random
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from hashlib import sha256 as sha256_of
from pathlib import Path
from statistics import median
from uuid import UUID

from sqlalchemy import Connection, text

from benchmarks import pictures
from benchmarks.parts import PATIENCE_S, Parts
from benchmarks.report import Question, Row, answer
from benchmarks.turns import SideFailed
from benchmarks.world import World, apart
from cli.wiring import DETECTOR, SINK, before_apps, weights_of
from processors.detector.model import describe
from schemas.image import ImageImported
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.embedded.waiting import wait_until
from thumper.emitter import Emitter
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.store import Store
from thumper.tables import COMPLETED
from thumper.topics import RECORDED, WORK

NAME = "latency"
P50_MS, P99_MS = 60.0, 300.0
QUESTIONS = [Question(NAME, "ms", "emit to recorded, p50 and p99")]
PICTURES, QUICK_PICTURES, WARM_UP = 200, 10, 5
LOOK_S = 0.002
PAUSE_S = (0.25, 0.55)
_FOUND = text(
    "SELECT result.state, queue_ms, read_ms, decode_ms, infer_ms, total_ms, image.log_ms, result.log_ms"
    " FROM result JOIN image USING (image_id) WHERE image_id = :image AND model_id = :model"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture, in milliseconds: the whole way, and its parts, which follow each other and sum to it.

    send: until the event is in the log; queue: until the detector has taken it; company: waits within the detector, for
    a thread and for others in its batch; answer: from the end of the inference until the outcome is in the log;
    record: from there on (end of the transaction, the sink, the database) until the row is seen.
    """

    send: float
    queue: float
    read: float
    decode: float
    company: float
    infer: float
    answer: float
    record: float

    @property
    def whole(self) -> float:
        """All of it."""
        return float(sum(getattr(self, name) for name in PARTS))


PARTS = tuple(one.name for one in fields(Seen))


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """Two rows: the median, and the 99th hundredth. Raises SideFailed, KafkaDown, DatabaseDown."""
    count = QUICK_PICTURES if world.asked.quick else PICTURES
    source = pictures.choose(world.asked.pictures, world.work, world.say)
    made = pictures.distinct(source, count + WARM_UP, world.folder("latency-card"))[: count + WARM_UP]
    store = world.folder("latency-store").absolute().as_uri()
    with apart(world, "bench_latency", store=store, store_reserve_bytes=0) as settings:
        before_apps(settings)
        events = stored(settings, made)
        with Parts(settings, world.folder("latency"), world.marks) as parts:
            parts.start("sink", "--name", SINK).wait_ready()
            parts.start("detector", "--name", "detector-1").wait_ready()
            seen = one_by_one(settings, events)[WARM_UP:]
    world.say(words(seen))
    return rows(asked[0], seen)


def stored(settings: Settings, paths: Sequence[Path]) -> list[ImageImported]:
    """The pictures' events; their bytes are in the store."""
    store = Store(settings)
    events = []
    for path in paths:
        data = path.read_bytes()
        sha256 = sha256_of(data).hexdigest()
        uri = store.put(data, sha256, path.suffix.lower())
        events.append(ImageImported(sha256=sha256, uri=uri, size_bytes=len(data), location="Hayfield"))
    return events


def one_by_one(settings: Settings, events: Sequence[ImageImported]) -> list[Seen]:
    """Send each alone, and wait for its row. Raises SideFailed if one fails or does not come."""
    model = describe(weights_of(settings), settings.store_threshold).id
    chance = random.Random(1)  # noqa: S311 - the same pauses in every run
    clock, seen = SystemClock(), []
    engine = make_engine(settings)
    with closing(LagReader(settings)) as lags, Emitter(settings) as emitter, engine.connect() as asking:
        connection = asking.execution_options(isolation_level="AUTOCOMMIT")
        for event in events:
            wait_until(lambda: _is_idle(lags), clock, PATIENCE_S)
            clock.sleep(chance.uniform(*PAUSE_S))
            start_ms = 1_000 * clock.wall().timestamp()
            emitter.emit("images", event)
            emitter.flush()
            row = _recorded(connection, event.image, model, clock)
            seen.append(seen_at(start_ms, 1_000 * clock.wall().timestamp(), row))
    engine.dispose()
    return seen


def _is_idle(lags: LagReader) -> bool:
    return lags.read(DETECTOR, WORK).lag == 0 and lags.read(SINK, RECORDED).lag == 0


def _recorded(connection: Connection, image: UUID, model: str, clock: SystemClock) -> tuple[float, ...]:
    found: list[tuple[float, ...]] = []

    def there() -> bool:
        found.extend(tuple(row) for row in connection.execute(_FOUND, {"image": image, "model": model}))
        return bool(found)

    if not wait_until(there, clock, PATIENCE_S, LOOK_S):
        raise SideFailed(f"the outcome of a picture was not recorded within {PATIENCE_S:.0f} s")
    state, *timings = found[0]
    if state != COMPLETED:
        raise SideFailed("a picture has a failed outcome: measure with whole ones")
    return tuple(timings)


def seen_at(start_ms: float, end_ms: float, row: Sequence[float]) -> Seen:
    """The parts, from two looks at the clock and what stands in the row (see _FOUND, without the state)."""
    queue, read, decode, infer, total, imported_ms, answered_ms = row
    return Seen(
        send=imported_ms - start_ms,
        queue=queue,
        read=read,
        decode=decode,
        company=total - read - decode - infer,
        infer=infer,
        answer=answered_ms - imported_ms - queue - total,
        record=end_ms - answered_ms,
    )


def rows(asked: Question, seen: Sequence[Seen]) -> list[Row]:
    """p50 against its limit, which grows with the model's own time, and p99 against its own."""
    whole, infer = [one.whole for one in seen], median(one.infer for one in seen)
    return [
        _row(asked, "p50", median(whole), P50_MS + infer, f"60 ms and the model's own {infer:.0f} ms", words(seen)),
        _row(asked, "p99", percentile(whole, 0.99), P99_MS, "300 ms", f"slowest {max(whole):.0f} ms"),
    ]


def _row(asked: Question, name: str, value: float, limit: float, peer: str, note: str) -> Row:
    row = answer(replace(asked, name=f"{NAME}_{name}", peer=f"less than {peer}"), [value], [limit], note)
    return replace(row, holds=value < limit)


def percentile(values: Sequence[float], share: float) -> float:
    """The lowest of the values that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1_000) // 1_000) - 1)]


def words(seen: Sequence[Seen]) -> str:
    """Where the time goes: medians."""
    parts = ", ".join(f"{name} {median(getattr(one, name) for one in seen):.1f}" for name in PARTS)
    return f"{len(seen)} pictures; medians in ms: {parts}"
