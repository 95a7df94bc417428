"""Traps of the Kafka client that need no broker of a real make: docs/reliability.md lists them all."""

from collections.abc import Iterator, Mapping

import pytest
from confluent_kafka import Message

from tests.fakes.brokers import Brokers, library
from tests.integration.test_source import Nobody
from tests.processes import eventually
from thumper.emitter import Emitter
from thumper.errors import Fatal, KafkaDown
from thumper.kafka import make_producer
from thumper.record import Outgoing, Partition
from thumper.settings import Settings
from thumper.source import KafkaSource

pytestmark = pytest.mark.skipif(library() is None, reason="confluent-kafka is built on the system's librdkafka")

PARTITIONS = 12
# From the tests of Kafka's own client (UtilsTest.testMurmur2).
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
}


@pytest.fixture
def brokers() -> Iterator[Brokers]:
    with Brokers(1, ["images"], PARTITIONS) as found:
        yield found


@pytest.fixture
def near(brokers: Brokers) -> Settings:
    return Settings(kafka_bootstrap=brokers.bootstrap, session_timeout_ms=6_000)


def test_a_key_goes_to_the_partition_that_javas_tools_choose(near: Settings) -> None:
    producer, found = make_producer(near), dict[bytes, int]()

    def arrived(_: object, message: Message) -> None:
        found[bytes(message.key() or b"")] = int(message.partition() or 0)

    for key in MURMUR2:
        producer.produce("images", key=key, value=b"{}", on_delivery=arrived)
    assert producer.flush(30) == 0
    assert found == {key: (hashed & 0x7FFF_FFFF) % PARTITIONS for key, hashed in MURMUR2.items()}


def test_what_is_not_acknowledged_is_said_and_not_forgotten(brokers: Brokers, near: Settings) -> None:
    """flush() of the client only returns how many are left."""
    emitter, reports = Emitter(near), list[str | None]()
    brokers.all_down()
    emitter.send(Outgoing("images", b"key", b"{}"), reports.append)
    with pytest.raises(KafkaDown, match="1 messages are not acknowledged"):
        emitter.flush(0.1)
    brokers.all_up()
    emitter.flush(30.0)
    assert reports == [None]


@pytest.mark.timeout(120)
def test_the_first_record_is_not_kept_back_for_company(near: Settings) -> None:
    """consume(n, t) of the client waits all of t for n of them."""
    with Emitter(near) as emitter:
        emitter.send(Outgoing("images", b"key", b"{}"))
        emitter.flush()
    source = KafkaSource(near, "detector", ["images"])
    source.open(Nobody())
    eventually(lambda: source.take(1, 0.0) == [] and source.joined(), "it is a member")
    source.rewind(source.positions())
    assert len(source.take(50, 3_600.0)) == 1
    source.close()


def test_only_what_is_held_is_sought(near: Settings) -> None:
    source = KafkaSource(near, "detector", ["images"])
    assert source.rewind([Partition("images", 0)]) == {}
    source.close()


class Raising(Nobody):
    """A listener with a fault."""

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        raise ZeroDivisionError


def test_a_fault_within_a_callback_ends_the_process_and_leaves_no_silent_partition(near: Settings) -> None:
    source = KafkaSource(near, "detector", ["images"])
    source.open(Raising())

    def take_until_it_fails() -> None:
        eventually(lambda: source.take(1, 0.1) is None, "it says so")

    with pytest.raises(Fatal, match="cannot start the assigned partitions"):
        take_until_it_fails()
    source.close()
