"""thumper/probe.py: each thing that can be wrong is found, weighed and answered with what to do."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from thumper.cluster import GROUPS, ClusterView, TopicView
from thumper.probe import DatabaseView, Finding, judge_broker, judge_cluster, judge_database, judge_disk
from thumper.settings import Settings
from thumper.topics import TOPICS, topic_config

ALL = frozenset({"READ", "WRITE", "DESCRIBE"})
BROKER = {
    "offsets.retention.minutes": "52560000",
    "transactional.id.expiration.ms": "2147483647",
    "transaction.max.timeout.ms": "900000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "10000",
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "1800000",
    "group.consumer.session.timeout.ms": "45000",
    "message.max.bytes": "1048588",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "3",
}


@pytest.fixture
def settings() -> Settings:
    return Settings(kafka_bootstrap="kafka:9092", topic_prefix="ranch.", group_prefix="ranch.")


@pytest.fixture
def cluster() -> ClusterView:
    topics = {
        topic.name: TopicView(12 if topic.spread else 1, 3, 3, ALL, topic_config(topic, 3)) for topic in TOPICS.values()
    }
    return ClusterView("c", 3, topics, BROKER, dict.fromkeys(GROUPS, ALL))


def changed(cluster: ClusterView, name: str, **fields: object) -> ClusterView:
    return replace(cluster, topics={**cluster.topics, name: replace(cluster.topics[name], **fields)})  # type: ignore[arg-type]


def complaints(settings: Settings, cluster: ClusterView) -> list[Finding]:
    return [finding for finding in judge_cluster(settings, cluster) if finding.state != "ok"]


def only(settings: Settings, cluster: ClusterView) -> Finding:
    (found,) = complaints(settings, cluster)
    assert found.advice
    return found


def test_a_cluster_as_it_shall_be_is_ok_in_four_lines(settings: Settings, cluster: ClusterView) -> None:
    found = list(judge_cluster(settings, cluster))
    assert [finding.part for finding in found] == ["Kafka", "Kafka topics", "Kafka rights", "Kafka settings"]
    assert {finding.state for finding in found} == {"ok"}


def test_missing_topics_are_named_with_their_prefix(settings: Settings, cluster: ClusterView) -> None:
    topics = {name: view for name, view in cluster.topics.items() if name not in ("images", "facts")}
    found = only(settings, replace(cluster, topics=topics))
    assert (found.state, found.found) == ("fail", "missing: ranch.images, ranch.facts")
    assert "thumper init" in found.advice


def test_other_partition_counts_than_ours_are_right_if_they_are_equal(settings: Settings, cluster: ClusterView) -> None:
    topics = {
        name: replace(view, partitions=64) if TOPICS[name].spread else view for name, view in cluster.topics.items()
    }
    assert complaints(settings, replace(cluster, topics=topics)) == []


@pytest.mark.parametrize(
    ("topic", "fields", "state", "words"),
    [
        pytest.param("images", {"partitions": 13}, "warn", "images 13, requests 12", id="counts differ"),
        pytest.param("control", {"partitions": 2}, "fail", "control has 2 partitions", id="order is lost"),
        pytest.param(
            "images",
            {"replicas": 1, "in_sync": 1, "config": topic_config(TOPICS["images"], 1)},
            "warn",
            "one replica on 3 brokers",
            id="one replica",
        ),
        pytest.param("images", {"in_sync": 2}, "warn", "only 2 of 3 replicas", id="a broker is down"),
        pytest.param("images", {"config": None}, "warn", "may not be read", id="no right to read settings"),
        pytest.param(
            "images", {"rights": ALL - {"WRITE"}}, "fail", "no right to WRITE on topic ranch.images", id="right"
        ),
    ],
)
def test_what_is_wrong_with_a_topic(
    settings: Settings, cluster: ClusterView, topic: str, fields: Mapping[str, object], state: str, words: str
) -> None:
    found = only(settings, changed(cluster, topic, **fields))
    assert found.state == state
    assert words in found.found


@pytest.mark.parametrize(
    ("topic", "name", "text", "state"),
    [
        pytest.param("images", "retention.ms", "604800000", "fail", id="pictures would expire"),
        pytest.param("facts", "cleanup.policy", "compact", "fail", id="facts would be forgotten"),
        pytest.param("images", "message.timestamp.type", "CreateTime", "warn", id="a wrong clock"),
        pytest.param("workers", "retention.ms", "-1", "warn", id="heartbeats for ever"),
    ],
)
def test_settings_of_topics_that_differ(
    settings: Settings, cluster: ClusterView, topic: str, name: str, text: str, state: str
) -> None:
    config = {**(cluster.topics[topic].config or {}), name: text}
    found = only(settings, changed(cluster, topic, config=config))
    assert (found.state, f"{name} is {text}" in found.found) == (state, True)
    assert f"--topic ranch.{topic} --add-config {name}=" in found.advice


def test_a_group_that_may_not_be_read(settings: Settings, cluster: ClusterView) -> None:
    found = only(settings, replace(cluster, group_rights={**cluster.group_rights, "sink": frozenset({"DESCRIBE"})}))
    assert (found.state, found.found) == ("fail", "no right to READ on group ranch.sink")


@pytest.mark.parametrize(
    ("name", "text", "state", "words"),
    [
        pytest.param("offsets.retention.minutes", "10080", "warn", "7 days", id="Kafka's default forgets in a week"),
        pytest.param("transactional.id.expiration.ms", "3600000", "warn", "not fenced", id="ids expire"),
        pytest.param("transaction.max.timeout.ms", "9000", "fail", "up to 9000 ms", id="transaction too long"),
        pytest.param("group.max.session.timeout.ms", "20000", "fail", "6000 to 20000 ms", id="session too long"),
        pytest.param("group.min.session.timeout.ms", "45000", "fail", "45000 to", id="session too short"),
        pytest.param(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms", "60000", "warn", "successor", id="scan"
        ),
        pytest.param("message.max.bytes", "100000", "warn", "events have up to", id="small messages"),
        pytest.param("auto.create.topics.enable", "true", "warn", "mistyped", id="topics by accident"),
        pytest.param("offsets.topic.replication.factor", "1", "warn", "every position", id="positions on one disk"),
    ],
)
def test_settings_of_brokers(settings: Settings, name: str, text: str, state: str, words: str) -> None:
    (found,) = judge_broker(settings, {**BROKER, name: text}, 3)
    assert (found.state, words in found.found) == (state, True)
    assert found.advice


def test_a_broker_that_does_not_tell_or_is_old_is_only_doubted(settings: Settings) -> None:
    assert [finding.state for finding in judge_broker(settings, None, 1)] == ["warn"]
    (found,) = judge_broker(settings, {"log.dirs": "data"}, 1)
    assert (found.state, "3.7" in found.found) == ("warn", True)


DATABASE = DatabaseView(180006, "PostgreSQL 18.6", "UTF8", False, True, True, "0002")


@pytest.mark.parametrize(
    ("fields", "state", "words"),
    [
        pytest.param({"version": 130011}, "fail", "older than 14", id="old"),
        pytest.param({"encoding": "SQL_ASCII"}, "fail", "SQL_ASCII", id="encoding"),
        pytest.param({"read_only": True}, "fail", "read only", id="standby"),
        pytest.param({"may_use_temporary": False}, "fail", "temporary", id="no temporary tables"),
        pytest.param({"schema": None}, "fail", "there are none", id="no tables"),
        pytest.param({"schema": "0001"}, "warn", "0001", id="older schema"),
        pytest.param({"schema": "0009"}, "fail", "does not know", id="newer schema"),
        pytest.param({"unwritable": ("box",)}, "fail", "no right to write box", id="no right to write"),
    ],
)
def test_what_is_wrong_with_a_database(fields: Mapping[str, object], state: str, words: str) -> None:
    found = list(judge_database(replace(DATABASE, **fields), ("0001", "0002")))  # type: ignore[arg-type]
    (bad,) = (finding for finding in found if finding.state != "ok")
    assert (bad.state, words in bad.found) == (state, True)
    assert bad.advice


def test_a_database_as_it_shall_be_is_ok() -> None:
    assert {finding.state for finding in judge_database(DATABASE, ("0001", "0002"))} == {"ok"}


@pytest.mark.parametrize(
    ("free", "state"), [(None, "ok"), (999, "fail"), (1_000, "warn"), (1_999, "warn"), (2_000, "ok")]
)
def test_room_on_a_disk(free: int | None, state: str) -> None:
    assert judge_disk("Store", "/x", free, 1_000).state == state
