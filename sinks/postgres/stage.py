"""The sink as the consumer loop sees it: records in, batches written in the background, Done out after the commit."""

from collections.abc import Callable, Iterator, Sequence
from random import SystemRandom

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
from thumper.dead_letters import dead_letter
from thumper.errors import NewerEvent
from thumper.metering import Board
from thumper.record import Done, Partition, Record
from thumper.settings import Settings
from thumper.stage import Backpressure

# Three batches of this size are the most that is held: one filling, one waiting, one being written.
MAX_BATCH_BYTES = 32_000_000
# An activation touches every picture; otherwise a batch takes a second at the very most.
STATEMENT_TIMEOUT_MS = 300_000


def sink_stage(
    settings: Settings, log: Log, clock: Clock, group: str = "sink", board: Board | None = None
) -> "SinkStage":
    """The stage on PostgreSQL; the tables are there already (`migrate`). log: the LagReader. board: for its figures."""
    engine = make_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS, application_name="thumper sink")
    policy = BatchPolicy(settings.sink_batch_size, settings.sink_wait_ms / 1_000, MAX_BATCH_BYTES)
    writer: RowWriter = PostgresWriter(engine)
    if board is not None:
        writer = MeasuredWriter(writer, board, clock)
    return SinkStage(writer, clock, policy, group, lambda: check_identity(engine, log))


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
        """See Stage. Nothing while the database is down, or while two batches wait for it."""
        if self._background.down() is not None or (self._is_due(now_s) and not self._background.has_room()):
            return 0
        return self._most

    def submit(self, record: Record, now_s: float) -> None:
        """See Stage."""
        if record.partition in self._newer:
            return
        if not self.room(now_s):
            raise Backpressure
        if self._is_due(now_s):
            self._hand_over()
        taken = self._read(record)
        if taken is not None:
            self._batcher.add(taken, len(record.value or b""), now_s)
            self._in_flight += 1

    def poll(self, now_s: float) -> Done | None:
        """See Stage. Raises NewerEvent or Fatal."""
        if self._batcher.wait_s(now_s) <= 0 and self._background.has_room():
            self._hand_over()
        done = self._background.finished()
        if done is not None:
            self._in_flight -= len(done.records)
            return done
        for error in self._newer.values():
            raise error
        return None

    def wait_s(self, now_s: float) -> float:
        """See Stage. With work in hand the loop looks again soon in any case."""
        return self._batcher.wait_s(now_s) if self._background.has_room() else float("inf")

    def drain(self, deadline_s: float) -> Iterator[Done]:
        """See Stage."""
        while len(self._batcher):
            self._hand_over()
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

    def _is_due(self, now_s: float) -> bool:
        return len(self._batcher) > 0 and self._batcher.wait_s(now_s) <= 0

    def _hand_over(self) -> None:
        batch: Sequence[Taken] = self._batcher.take()
        self._background.put(batch)

    def _read(self, record: Record) -> Taken | None:
        try:
            return Taken(record, decode(record.partition.topic, record.value))
        except UnreadableEvent as error:
            return Taken(record, None, dead_letter(record, self._group, str(error), "unreadable"))
        except UnknownMajorVersion as error:
            self._newer[record.partition] = NewerEvent(
                f"{record.partition.topic} {record.partition.number} at offset {record.offset}: {error}",
                record.partition,
            )
            return None
