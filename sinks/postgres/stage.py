"""The sink as the consumer loop sees it: records in, batches written in the background, Done out after the commit."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from random import SystemRandom

from sqlalchemy import Engine

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from sinks.postgres.background import Background
from sinks.postgres.backoff import Backoff
from sinks.postgres.identity import Log, check_identity
from sinks.postgres.measured import MeasuredWriter
from sinks.postgres.recorder import Recorder, RowWriter, Taken
from sinks.postgres.writer import PostgresWriter, Written
from thumper.batch import BatchPolicy, MicroBatcher
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.dead_letters import UNREADABLE, dead_letter
from thumper.errors import DatabaseDown, NewerEvent
from thumper.metering import Board
from thumper.record import Done, Partition, Record
from thumper.settings import Settings
from thumper.stage import Backpressure

# Three batches of this size are the most that is held: one filling, one waiting, one being written.
MAX_BATCH_BYTES = 32_000_000
# So many batches need no distance after a pause, at the same number of them on average: a picture alone comes twice,
# as itself and, some dozens of milliseconds later, as its outcome, which would wait for the distance to the former.
AT_ONCE = 2
# An activation touches every picture; otherwise a batch takes a second at the very most.
STATEMENT_TIMEOUT_MS = 300_000


def sink_stage(
    settings: Settings,
    log: Log,
    clock: Clock,
    group: str = "sink",
    board: Board | None = None,
    prepare: Callable[[Engine], object] = lambda _: None,
) -> "SinkStage":
    """The stage on PostgreSQL; the tables are there already (`migrate`). log: the LagReader. board: for its figures.

    prepare: is done once with new tables, before anything is recorded.
    """
    engine = make_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS, application_name="thumper sink")
    policy = BatchPolicy(settings.sink_batch_size, settings.sink_wait_ms / 1_000, MAX_BATCH_BYTES)
    writer: RowWriter = PostgresWriter(engine)
    if board is not None:
        writer = MeasuredWriter(writer, board, clock)
    return SinkStage(writer, clock, policy, group, lambda: check_identity(engine, log, group, lambda: prepare(engine)))


class SinkStage:
    """Implements thumper.stage.Stage. While the database is down it takes nothing more, and waits as long as it takes.

    check: called by `open`; raises Fatal if the tables are not this log's.
    """

    def __init__(
        self, writer: RowWriter, clock: Clock, policy: BatchPolicy, group: str, check: Callable[[], None]
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._group = group
        self._check = check
        self._most = policy.max_items
        self._wait_for_company_s = policy.max_wait_s
        self._handed_s = deque([-math.inf] * AT_ONCE, maxlen=AT_ONCE)
        self._batcher: MicroBatcher[Taken] = MicroBatcher(policy)
        self._recorder = Recorder(writer, group)
        self._background = Background(self._recorder.record, Backoff(SystemRandom().random))
        self._newer: dict[Partition, NewerEvent] = {}
        self._in_flight = 0

    def open(self) -> None:
        """See Stage. Raises Fatal, KafkaDown, DatabaseDown."""
        self._check()
        self._background.start()

    def room(self, now_s: float) -> int:
        """See Stage. Nothing while the database is down, or while two full batches wait for it."""
        full = self._batcher.full() and not self._background.has_room()
        return 0 if full or self._background.down() is not None else self._most

    def submit(self, record: Record, now_s: float) -> None:
        """See Stage."""
        if record.partition in self._newer:
            return
        if not self.room(now_s):
            raise Backpressure
        if self._batcher.full():
            self._hand_over(now_s)
        taken = self._read(record)
        if taken is not None:
            self._batcher.add(taken, len(record.value or b""), now_s)
            self._in_flight += 1

    def poll(self, now_s: float) -> Done | None:
        """See Stage. Raises NewerEvent or Fatal."""
        if self._wait_s(now_s) <= 0 and self._background.has_room():
            self._hand_over(now_s)
        done = self._background.finished()
        if done is not None:
            self._in_flight -= len(done.records)
            return done
        for error in self._newer.values():
            raise error
        return None

    def wait(self, timeout_s: float) -> None:
        """See Stage."""
        due_s = self._wait_s(self._clock.now_s()) if self._background.has_room() else timeout_s
        self._background.wait_finished(min(timeout_s, due_s))

    def drain(self, deadline_s: float) -> Iterator[Done]:
        """See Stage."""
        while len(self._batcher):
            self._hand_over(self._clock.now_s())
        while self._background.wait(max(0.0, deadline_s - self._clock.now_s())):
            done = self._background.finished()
            if done is not None:
                self._in_flight -= len(done.records)
                yield done

    def discard(self) -> None:
        """See Stage. A write in progress ends by itself; its result counts for nothing."""
        self._batcher.clear()
        self._background.forget()
        self._newer.clear()
        self._in_flight = 0

    def waits_for(self) -> DatabaseDown | None:
        """See Stage."""
        return self._background.down()

    def in_flight(self) -> int:
        """See Stage."""
        return self._in_flight

    def written(self) -> Written:
        """What was written since the start; `absorbed` tells repeats, which change nothing."""
        return self._recorder.totals

    def close(self) -> None:
        """See Stage."""
        if self._background.stop(self._writer.cancel):
            self._writer.close()

    def _wait_s(self, now_s: float) -> float:
        """Seconds until there is a batch to write: what comes after a pause, such as a picture alone, does not wait."""
        if not len(self._batcher):
            return math.inf
        rested_s = self._handed_s[0] + AT_ONCE * self._wait_for_company_s
        return min(self._batcher.wait_s(now_s), max(0.0, rested_s - now_s))

    def _hand_over(self, now_s: float) -> None:
        self._handed_s.append(now_s)
        batch: Sequence[Taken] = self._batcher.take()
        self._background.put(batch)

    def _read(self, record: Record) -> Taken | None:
        try:
            return Taken(record, decode(record.partition.topic, record.value))
        except UnreadableEvent as error:
            return Taken(record, None, dead_letter(record, self._group, str(error), UNREADABLE))
        except UnknownMajorVersion as error:
            self._newer[record.partition] = NewerEvent(
                f"{record.partition.topic} {record.partition.number} at offset {record.offset}: {error}",
                record.partition,
            )
            return None
