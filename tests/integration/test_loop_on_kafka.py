"""The loop over a real broker: offsets and outputs together, take-over, rewind, lag that reaches exactly 0."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from schemas.image import ImageImported
from thumper.clock import SystemClock
from thumper.cluster import view_cluster
from thumper.commit import OffsetCommitter, TransactionCommitter
from thumper.dead_letters import dead_letter
from thumper.emitter import Emitter
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_admin, make_consumer, make_producer, make_reader
from thumper.lag import LagReader
from thumper.loop import ConsumerLoop
from thumper.probe import judge_topics
from thumper.record import Done, Outgoing, Partition, Record
from thumper.settings import Settings
from thumper.source import KafkaSource
from thumper.stage import Backpressure
from thumper.topics import TOPICS, WORK, ensure_topics, list_topics

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


class EchoStage:
    """Answers every record at once with one message that names where it came from."""

    def __init__(self, hold: threading.Event | None = None) -> None:
        self._waiting: list[Record] = []
        self._hold = hold
        self.fail: list[KafkaDown] = []

    def open(self) -> None:
        pass

    def room(self, now_s: float) -> int:
        return max(0, 50 - len(self._waiting))

    def submit(self, record: Record, now_s: float) -> None:
        if not self.room(now_s):
            raise Backpressure
        self._waiting.append(record)

    def poll(self, now_s: float) -> Done | None:
        if self.fail:
            raise self.fail.pop()
        if not self._waiting or (self._hold is not None and self._hold.is_set()):
            return None
        return self._hand_out()

    def _hand_out(self) -> Done:
        records, self._waiting = self._waiting, []
        return Done(records, [self._answer(record) for record in records])

    def _answer(self, record: Record) -> Outgoing:
        if record.value == b"poison":
            return dead_letter(record, "detector", "not an event", "UnreadableEvent")
        return Outgoing("detections", record.key, f"{record.partition.number}:{record.offset}".encode())

    def wait(self, timeout_s: float) -> None:
        CLOCK.sleep(timeout_s)

    def drain(self, deadline_s: float) -> Iterator[Done]:
        if self._waiting and not (self._hold is not None and self._hold.is_set()):
            yield self._hand_out()

    def discard(self) -> None:
        self._waiting = []

    def waits_for(self) -> None:
        pass

    def in_flight(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        pass


class SwallowStage(EchoStage):
    """Finishes every record without a message, as a sink does."""

    def _hand_out(self) -> Done:
        return Done(super()._hand_out().records)


class Worker:
    """A loop on a thread of its own."""

    def __init__(
        self, settings: Settings, name: str, hold: threading.Event | None = None, topics: Sequence[str] = ("images",)
    ) -> None:
        source = KafkaSource(settings, "detector", topics)
        committer = TransactionCommitter(settings, name, source.consumer)
        self.stage = EchoStage(hold)
        self.loop = ConsumerLoop(source, self.stage, committer, CLOCK, grace_s=1.0)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.loop.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


def wait_until(true: Callable[[], bool], within_s: float = 40.0) -> None:
    give_up_s = CLOCK.now_s() + within_s
    while not true():
        assert CLOCK.now_s() < give_up_s, "waited in vain"
        CLOCK.sleep(0.05)


def emit_images(settings: Settings, count: int, start: int = 0) -> None:
    with Emitter(settings) as emitter:
        for number in range(start, start + count):
            emitter.emit("images", ImageImported(sha256=f"{number:064x}", uri="file:///x"))
        emitter.flush()


def read_all(settings: Settings, topic: str) -> list[bytes]:
    """Every committed message, by a reader of its own."""
    reader = make_reader(settings)
    ends = LagReader(settings).ends([topic])
    name = Names(settings).topic(topic)
    places = [TopicPartition(name, part.number, 0) for part in ends]
    reader.assign(places)
    values: list[bytes] = []
    while any(place.offset < ends[Partition(topic, place.partition)] for place in _positions(reader.position(places))):
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            values.append(bytes(message.value() or b""))
    reader.close()
    return values


def _positions(places: Sequence[TopicPartition]) -> list[TopicPartition]:
    for place in places:
        place.offset = max(place.offset, 0)
    return list(places)


def offsets(values: Sequence[bytes]) -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {}
    for value in values:
        partition, offset = value.decode().split(":")
        found.setdefault(int(partition), []).append(int(offset))
    return found


@pytest.fixture
def topics(settings: Settings) -> Settings:
    assert sorted(ensure_topics(settings)) == sorted(TOPICS)
    return settings


def said_of_topics(settings: Settings) -> list[str]:
    return [finding.found for finding in judge_topics(settings, view_cluster(settings))]


def test_topics_are_made_once_and_as_the_table_says(topics: Settings) -> None:
    assert ensure_topics(topics) == []
    present = list_topics(topics, make_admin(topics))
    assert present["images"] == topics.partitions
    assert present["control"] == 1
    assert said_of_topics(topics) == []


def test_a_topic_that_differs_from_the_table_is_named(topics: Settings) -> None:
    name = Names(topics).topic("images")
    change = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[change])
    admin = make_admin(topics)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)
    wait_until(lambda: said_of_topics(topics) == ["images: retention.ms is 1000, not -1"])


def test_all_events_are_answered_once_and_lag_is_exactly_zero(topics: Settings) -> None:
    emit_images(topics, 300)
    lag = LagReader(topics)
    assert lag.read("detector", ["images"]).lag == 300
    worker = Worker(topics, "detector-1")
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    worker.stop()
    answered = offsets(read_all(topics, "detections"))
    assert sum(map(len, answered.values())) == 300
    for found in answered.values():
        assert found == list(range(len(found)))


def test_an_unreadable_message_goes_to_the_dead_letters_as_it_came(topics: Settings) -> None:
    producer = make_producer(topics)
    producer.produce(Names(topics).topic("images"), value=b"poison", key=b"k", headers=[("a", b"b"), ("n", None)])
    assert producer.flush(10) == 0
    worker = Worker(topics, "detector-1")
    wait_until(lambda: sum(LagReader(topics).ends(["dead-letters"]).values()) > 0)
    worker.stop()
    assert read_all(topics, "dead-letters") == [b"poison"]


def test_a_member_that_joins_and_one_that_leaves_make_no_gap_and_no_repeat(topics: Settings) -> None:
    emit_images(topics, 400)
    lag = LagReader(topics)
    first = Worker(topics, "detector-1")
    wait_until(lambda: first.loop.health().joined)
    second = Worker(topics, "detector-2")
    emit_images(topics, 400, start=400)
    wait_until(lambda: second.loop.health().joined)
    first.stop()
    emit_images(topics, 400, start=800)
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    second.stop()
    for found in offsets(read_all(topics, "detections")).values():
        assert found == list(range(len(found)))


def owned(settings: Settings, admin: AdminClient) -> list[list[str]]:
    """By member of the group, what it has: `images 0`."""
    name = Names(settings).group("detector")
    found = admin.describe_consumer_groups([name])[name].result(60)
    places = [member.assignment.topic_partitions for member in found.members]
    return sorted(sorted(f"{Names(settings).own(one.topic)} {one.partition}" for one in own) for own in places)


def test_one_that_joins_later_gets_its_share_of_each_topic(topics: Settings) -> None:
    """An assignor that counts all partitions alike gives it those of the first topic, and leaves those of the other."""
    first, admin = Worker(topics, "detector-1", topics=WORK), make_admin(topics)
    wait_until(lambda: first.loop.health().joined)
    second = Worker(topics, "detector-2", topics=WORK)
    shares = [[f"{topic} {number}" for topic in WORK for number in numbers] for numbers in ((0, 1), (2, 3))]
    wait_until(lambda: owned(topics, admin) == shares)
    first.stop()
    wait_until(lambda: owned(topics, admin) == [sorted(shares[0] + shares[1])])
    second.stop()


def test_what_was_held_and_comes_back_at_a_rebalance_is_delivered_again(topics: Settings) -> None:
    hold = threading.Event()
    hold.set()
    emit_images(topics, 400)
    first, admin, lag = Worker(topics, "detector-1", hold), make_admin(topics), LagReader(topics)
    wait_until(lambda: first.loop._held)
    second = Worker(topics, "detector-2", hold)
    wait_until(lambda: len(owned(topics, admin)) == 2 and all(owned(topics, admin)))
    hold.clear()
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    first.stop()
    second.stop()


def test_what_is_in_hand_at_the_end_is_left_to_the_next(topics: Settings) -> None:
    hold = threading.Event()
    hold.set()
    emit_images(topics, 40)
    worker = Worker(topics, "detector-1", hold)
    wait_until(lambda: worker.loop.health().in_flight == 40)
    worker.stop()
    lag = LagReader(topics)
    assert lag.read("detector", ["images"]).lag == 40
    successor = Worker(topics, "detector-1")
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    successor.stop()
    assert sum(map(len, offsets(read_all(topics, "detections")).values())) == 40


def test_a_zombie_cannot_write_any_more(topics: Settings) -> None:
    emit_images(topics, 40)
    hold = threading.Event()
    hold.set()
    zombie = Worker(topics, "detector-1", hold)
    wait_until(lambda: zombie.loop.health().in_flight == 40)
    fencing = make_consumer(topics, "other")
    successor = TransactionCommitter(topics, "detector-1", fencing)
    successor.open()
    hold.clear()
    lag = LagReader(topics)
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    zombie.stop()
    fencing.close()
    assert sum(map(len, offsets(read_all(topics, "detections")).values())) == 40


def test_work_in_hand_of_a_partition_whose_events_are_deleted_counts_as_lost_after_a_rewind(topics: Settings) -> None:
    """And a rewind with a lost partition goes on for the others."""
    hold = threading.Event()
    hold.set()
    emit_images(topics, 40)
    worker = Worker(topics, "detector-1", hold)
    wait_until(lambda: worker.loop.health().in_flight == 40)
    lag = LagReader(topics)
    part, end = next(iter(lag.ends(["images"]).items()))
    admin, place = make_admin(topics), TopicPartition(Names(topics).topic("images"), part.number, end)
    admin.list_topics(place.topic, timeout=30)
    for future in admin.delete_records([place]).values():
        future.result(30)
    worker.stage.fail.append(KafkaDown("a failure that makes it go back"))
    wait_until(lambda: part in worker.loop.health().stopped)
    assert worker.loop.health().stopped[part].reason == f"data loss: images {part.number}: " + (
        f"offsets 0 to {end - 1} are not in the log any more"
    )
    hold.clear()
    worker.stage.fail.append(KafkaDown("and again, with a partition that cannot be sought"))
    wait_until(lambda: sum(map(len, offsets(read_all(topics, "detections")).values())) == 40 - end)
    assert lag.committed("detector", ["images"]).get(part, 0) == 0
    worker.stop()


def test_the_sinks_committer_passes_markers_so_that_lag_ends_at_zero(topics: Settings) -> None:
    emit_images(topics, 60)
    lag = LagReader(topics)
    worker = Worker(topics, "detector-1")
    wait_until(lambda: lag.read("detector", ["images"]).lag == 0)
    source = KafkaSource(topics, "sink", ["detections"])
    loop = ConsumerLoop(source, SwallowStage(), OffsetCommitter(topics, source.consumer), CLOCK)
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    wait_until(lambda: lag.read("sink", ["detections"]).lag == 0)
    loop.stop()
    thread.join(30)
    worker.stop()
    assert lag.read("sink", ["detections"]).lag == 0


def test_a_broker_that_is_not_there_is_said_and_not_guessed(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    with pytest.raises(KafkaDown, match=r"127\.0\.0\.1:1"):
        ensure_topics(away, timeout_s=1.0)
    with pytest.raises(KafkaDown):
        LagReader(away, timeout_s=1.0).read("detector", ["images"])
