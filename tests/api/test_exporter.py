"""api/exporter.py: known numbers become samples, unknown ones nothing at all."""

from prometheus_client import CollectorRegistry, generate_latest

from api.exporter import Exporter
from api.lag_words import Windows
from api.look import GroupLook, LogLook, Look
from api.status import Numbers, Status
from schemas.alert import Alert
from tests.scrape import Scrape
from thumper.clock import SteppedClock
from thumper.kafka import Names
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition
from thumper.settings import Settings

CLOCK = SteppedClock()
NOW_MS = round(CLOCK.wall().timestamp() * 1_000)
ALERTS = [Alert(type="alert.raised", name="disk_low/store", summary="full")]
IDLE = Status(Numbers(10, 3, 1, 4, 2), {}, "Replaying", 0, 1, 3, None)


def part(topic: str, number: int, start: int, committed: int | None, end: int) -> PartitionLag:
    return PartitionLag(Partition(topic, number), start, committed, end)


def group(name: str, *parts: PartitionLag, members: int | None = 1, **came_ms: int | None) -> GroupLook:
    """came_ms: by topic and partition, like `images_3`."""
    oldest = {
        Partition(topic, int(number)): ms for key, ms in came_ms.items() for topic, _, number in [key.partition("_")]
    }
    return GroupLook(GroupLag(name, parts, 0.0), members, oldest)


def shown(look: Look, settings: Settings | None = None, windows: Windows | None = None) -> Scrape:
    registry = CollectorRegistry()
    names = Names(settings or Settings())
    registry.register(Exporter(lambda: look, names, CLOCK, windows or Windows(), lambda: ALERTS))
    return Scrape(generate_latest(registry).decode())


def test_lag_from_the_committed_offset_else_from_the_logs_start() -> None:
    detector = group(
        "detector", part("images", 0, 0, 4, 9), part("images", 1, 2, None, 9), part("requests", 0, 0, 1, 1)
    )
    sink = group("sink", part("images", 0, 0, 9, 9))
    found = shown(Look(LogLook([detector, sink]), True, IDLE))
    assert found.one("kafka_consumergroup_lag", consumergroup="detector", topic="images", partition="0") == 5
    assert found.one("kafka_consumergroup_lag", consumergroup="detector", topic="images", partition="1") == 7
    assert found.one("kafka_consumergroup_lag_sum", consumergroup="detector", topic="images") == 12
    assert found.one("kafka_consumergroup_lag_sum", consumergroup="detector", topic="requests") == 0
    assert found.one("kafka_consumergroup_lag_sum", consumergroup="sink", topic="images") == 0
    assert found.all("kafka_consumergroup_current_offset", consumergroup="detector", topic="images") == [4]
    assert found.by("kafka_consumergroup_members", "consumergroup") == {"detector": 1, "sink": 1}


def test_a_partition_that_both_groups_read_is_shown_once_and_unread_topics_too() -> None:
    groups = [group("detector", part("images", 0, 2, 4, 9)), group("sink", part("images", 0, 2, 4, 9))]
    found = shown(Look(LogLook(groups, {Partition("dead-letters", 0): (0, 3)}), True, IDLE))
    assert found.by("kafka_topic_partition_current_offset", "topic") == {"images": 9, "dead-letters": 3}
    assert found.by("kafka_topic_partition_oldest_offset", "topic") == {"images": 2, "dead-letters": 0}


def test_seconds_are_the_age_of_the_oldest_unfinished_event() -> None:
    parts = [part("images", number, 0, 0, 0 if number == 1 else 5) for number in range(5)]
    look = group("detector", *parts, images_0=NOW_MS - 2_500, images_2=None, images_3=NOW_MS + 9_000)
    found = shown(Look(LogLook([look]), True, IDLE)).by("kafka_consumergroup_lag_seconds", "partition")
    assert found == {
        "0": 2.5,
        "1": 0.0,  # no lag
        "2": 0.0,  # only markers are left
        "3": 0.0,  # a broker whose clock is ahead
    }, "4 has not answered"


def test_names_are_those_of_the_cluster() -> None:
    settings = Settings(topic_prefix="ranch.", group_prefix="ranch-")
    found = shown(Look(LogLook([group("detector", part("images", 0, 0, 0, 5))]), True, IDLE), settings)
    assert found.one("kafka_consumergroup_lag", consumergroup="ranch-detector", topic="ranch.images") == 5
    assert found.one("kafka_topic_partition_current_offset", topic="ranch.images") == 5


def test_pictures_and_state() -> None:
    found = shown(Look(LogLook([]), True, IDLE))
    assert found.by("thumper_pictures", "state") == {"pending": 3, "processing": 1, "completed": 4, "failed": 2}
    states = found.by("thumper_state", "state")
    assert states == {"Idle": 0, "Active": 0, "Stuck": 0, "Replaying": 1, "Paused": 0}


def test_without_the_broker_there_is_no_number_but_that() -> None:
    found = shown(Look(None, True, None))
    assert found.names == {"thumper_kafka_up", "thumper_database_up"}
    assert (found.one("thumper_kafka_up"), found.one("thumper_database_up")) == (0, 1)


def test_without_the_database_lag_is_known_and_pictures_are_not() -> None:
    found = shown(Look(LogLook([group("sink", part("facts", 0, 0, 1, 2), members=None)]), False, None))
    assert (found.one("thumper_kafka_up"), found.one("thumper_database_up")) == (1, 0)
    assert found.one("kafka_consumergroup_lag") == 1
    assert not found.names & {"thumper_pictures", "thumper_state", "kafka_consumergroup_members"}


def test_what_lag_on_detections_counts_is_said() -> None:
    found = shown(Look(LogLook([group("sink", part("detections", 0, 0, 1, 2))]), True, None))
    assert "transaction markers" in found.helps["kafka_consumergroup_lag"]


def test_burrows_words_and_partitions_without_a_committed_offset() -> None:
    detector = group("detector", part("images", 0, 0, 4, 9), part("images", 1, 0, None, 9))
    windows = Windows(size=1)
    windows.add(detector.lag, members=1)
    found = shown(Look(LogLook([detector]), True, IDLE), windows=windows)
    assert found.by("thumper_consumergroup_status", "status") == {"OK": 0, "WARN": 0, "ERR": 1, "NOTFOUND": 0}
    bad = {"WARN": 0, "STOP": 0, "STALL": 2, "REWIND": 0}
    assert found.by("thumper_consumergroup_partitions", "status") == bad
    assert found.by("thumper_consumergroup_never_committed", "consumergroup") == {"detector": 1}


def test_alerts_that_are_raised() -> None:
    assert shown(Look(LogLook([]), True, IDLE)).by("thumper_alert_raised", "alert") == {"disk_low/store": 1}
    assert "thumper_alert_raised" not in shown(Look(None, True, None)).names
