"""Stages, sources, loops and senders with a bug. Each docstring says the bug."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import uuid4

from confluent_kafka import TopicPartition

from producers.delivery import Sender
from schemas.envelope import Event
from sinks.postgres.measured import MeasuredWriter
from sinks.postgres.stage import SinkStage
from sinks.postgres.writer import PostgresWriter
from thumper.clock import Clock
from thumper.kafka import make_consumer
from thumper.ledger import OffsetLedger
from thumper.loop import ConsumerLoop, Health
from thumper.record import Done, Outgoing, Partition, Record
from thumper.settings import Settings
from thumper.source import KafkaSource, Source
from thumper.stage import Committer, Stage


class CommitBeforeWrite:
    """A sink's records count as done when they are taken; they are written later."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._taken: list[Record] = []
        self.open, self.room, self.wait, self.close = stage.open, stage.room, stage.wait, stage.close
        self.in_flight, self.waits_for = stage.in_flight, stage.waits_for

    def submit(self, record: Record, now_s: float) -> None:
        self._stage.submit(record, now_s)
        self._taken.append(record)

    def poll(self, now_s: float) -> Done | None:
        if self._taken:
            records, self._taken = self._taken, []
            return Done(records)
        self._stage.poll(now_s)
        return None

    def drain(self, deadline_s: float) -> Iterator[Done]:
        if (done := self.poll(deadline_s)) is not None:
            yield done

    def discard(self) -> None:
        self._taken.clear()
        self._stage.discard()


def without_keys(stage: Stage) -> Stage:
    """Each outcome becomes a row of its own, whatever is there. For tables whose keys were dropped."""
    assert isinstance(stage, SinkStage)
    writer = stage._writer._writer if isinstance(stage._writer, MeasuredWriter) else stage._writer
    assert isinstance(writer, PostgresWriter)
    statements = writer._statements
    statements["upsert_result"] = re.sub(
        r"ON CONFLICT.*?(?=RETURNING)", "", statements["upsert_result"], flags=re.DOTALL
    )
    return stage


class RandomIds:
    """Each outcome has an id of its own, so that nobody knows a repeat as one."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.open, self.room, self.wait, self.close = stage.open, stage.room, stage.wait, stage.close
        self.in_flight, self.waits_for = stage.in_flight, stage.waits_for
        self.submit, self.discard = stage.submit, stage.discard

    def poll(self, now_s: float) -> Done | None:
        done = self._stage.poll(now_s)
        return done and _renamed(done)

    def drain(self, deadline_s: float) -> Iterator[Done]:
        yield from map(_renamed, self._stage.drain(deadline_s))


def _renamed(done: Done) -> Done:
    return Done(done.records, [_with_another_id(message) for message in done.outputs])


def _with_another_id(message: Outgoing) -> Outgoing:
    value = json.loads(message.value or b"{}") | {"id": str(uuid4())}
    return message._replace(value=json.dumps(value).encode(), headers=())


class Latest(KafkaSource):
    """A partition without a committed offset begins at its end."""

    def _start(self, place: TopicPartition) -> int:
        return place.offset if place.offset >= 0 else self.consumer.get_watermark_offsets(place, timeout=10)[1]


class ReadUncommitted(KafkaSource):
    """What is aborted is read like all else."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[str]) -> None:
        super().__init__(settings, group, topics)
        self.consumer.close()
        level: dict[str, Callable[..., None]] = {"isolation.level": "read_uncommitted"}  # type: ignore[dict-item]
        self.consumer = make_consumer(settings, group, **level)


class PositionCommitted(ConsumerLoop):
    """The consumer's position is committed, whatever is in hand."""

    def __init__(
        self, source: Source, stage: Stage, committer: Committer, clock: Clock, watch: Callable[[Health], None]
    ) -> None:
        super().__init__(source, stage, committer, clock, watch)
        self._ledger = _Position()


class _Position(OffsetLedger):
    def committable(self, position: Mapping[Partition, int]) -> dict[Partition, int]:
        return dict(position)


class SwallowedErrors:
    """A delivery report counts as an acknowledgement, whatever it says."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.poll, self.flush = sender.poll, sender.flush

    def emit(self, topic: str, event: Event, on_ack: Callable[[str | None], None] | None = None) -> None:
        self._sender.emit(topic, event, lambda _: on_ack and on_ack(None))
