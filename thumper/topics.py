"""The table of topics, and the one function that creates them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from thumper.clock import SystemClock
from thumper.embedded.waiting import wait_until
from thumper.errors import Fatal, KafkaDown
from thumper.kafka import Names, make_admin, refusal
from thumper.settings import Settings

DAY_MS = 86_400_000
FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
ONE_DISK = {"flush.messages": "1"}
# Only a restore sets these: records keep the time that they are sent with, however late the clock here is. Nobody else
# has this number.
UNFINISHED = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 2)}


@dataclass(frozen=True)
class Topic:
    """A topic as it shall be. spread: over n partitions by key, else one partition.

    follows: it has as many partitions as that topic, however many these are.
    """

    name: str
    spread: bool
    holds: str
    config: dict[str, str] = field(default_factory=dict)
    # The topics that cannot be made again from another are flushed message by message where there is one disk only.
    ledger: bool = False
    follows: str | None = None


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("images", True, "one event per imported picture", FOR_EVER, ledger=True),
        Topic("requests", True, "process this one again", FOR_EVER, ledger=True),
        Topic("detections", True, "one outcome per processed event", FOR_EVER),
        Topic("facts", True, "what people and producers state", FOR_EVER, ledger=True),
        Topic("control", False, "wanted state of a group", {"cleanup.policy": "compact"}),
        Topic("workers", False, "heartbeats", {"cleanup.policy": "delete", "retention.ms": str(DAY_MS)}),
        Topic("alerts", False, "raised and resolved", {"cleanup.policy": "compact"}),
        Topic(
            "dead-letters",
            False,
            "messages that could not be read, untouched",
            {"cleanup.policy": "delete", "retention.ms": str(90 * DAY_MS)},
        ),
        # Of an hour's windows; made again from `detections` if it is lost.
        Topic(
            "monitor-windows",
            True,
            "the monitor's counts",
            {"cleanup.policy": "compact,delete", "retention.ms": str(DAY_MS)},
            follows="detections",
        ),
    )
}
# What the detector reads; what the sink reads.
WORK = ("images", "requests")
RECORDED = ("images", "requests", "detections", "facts")
# The groups that do the work, and what each of them reads.
GROUPS = {"detector": WORK, "sink": RECORDED}


def topic_config(topic: Topic, replicas: int) -> dict[str, str]:
    """The broker's settings of `topic`: those of the table, broker time, and durability for this many replicas."""
    return {
        # A camera's or a laptop's wrong clock must not expire or reorder anything.
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(1 << 20),
        "min.insync.replicas": str(max(1, replicas - 1)),
        "unclean.leader.election.enable": "false",
        **topic.config,
        **(ONE_DISK if topic.ledger and replicas == 1 else {}),
    }


def ensure_topics(settings: Settings, timeout_s: float = 30.0) -> list[str]:
    """Create the topics that are missing; return their names (own). Those that exist are left as they are.

    Raises KafkaDown if the cluster does not answer, Fatal if it refuses.
    """
    admin, names = make_admin(settings), Names(settings)
    # A cluster that is there says in milliseconds what it has; creating may take longer.
    present = list_topics(settings, admin, min(timeout_s, 10.0))
    missing = [topic for topic in TOPICS.values() if topic.name not in present]
    if not missing:
        return []
    futures = admin.create_topics(
        [
            NewTopic(
                names.topic(topic.name),
                num_partitions=_partitions(topic, settings, present),
                replication_factor=settings.replication_factor,
                config=topic_config(topic, settings.replication_factor),
            )
            for topic in missing
        ],
        operation_timeout=timeout_s,
    )
    for name, future in futures.items():
        try:
            future.result(timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise Fatal(f"cannot create topic {name}: {error.args[0].str()}") from None
    return [topic.name for topic in missing]


def _partitions(topic: Topic, settings: Settings, present: Mapping[str, int]) -> int:
    if topic.follows is not None and topic.follows in present:
        return present[topic.follows]
    return settings.partitions if topic.spread else 1


def renew_followers(settings: Settings, timeout_s: float = 60.0) -> list[str]:
    """Make topics anew that have another number of partitions than those that they follow; return their names.

    What is in them can be made again. Raises KafkaDown, Fatal.
    """
    admin, names = make_admin(settings), Names(settings)
    present = list_topics(settings, admin)
    wrong = [
        topic.name
        for topic in TOPICS.values()
        if topic.name in present and topic.follows and present[topic.name] != present.get(topic.follows)
    ]
    if wrong:
        _wait_all(admin.delete_topics([names.topic(name) for name in wrong]), "delete", timeout_s)
        if not wait_until(lambda: not set(wrong) & list_topics(settings, admin).keys(), SystemClock(), timeout_s):
            raise KafkaDown("deleted topics are still there", "try again")
        ensure_topics(settings, timeout_s)
    return wrong


def make_restored(settings: Settings, counts: Mapping[str, int], timeout_s: float = 60.0) -> None:
    """Make these topics anew, with so many partitions, marked as unfinished. What is called so now is deleted.

    Raises KafkaDown, Fatal.
    """
    admin, names, replicas = make_admin(settings), Names(settings), settings.replication_factor
    present = [names.topic(topic) for topic in list_topics(settings, admin) if topic in counts]
    if present:
        _wait_all(admin.delete_topics(present, operation_timeout=timeout_s), "delete", timeout_s)
    if not wait_until(lambda: not counts.keys() & list_topics(settings, admin).keys(), SystemClock(), timeout_s):
        raise KafkaDown("deleted topics are still there", "try again")
    new = [
        NewTopic(names.topic(topic), count, replicas, config=topic_config(TOPICS[topic], replicas) | UNFINISHED)
        for topic, count in counts.items()
    ]
    _wait_all(admin.create_topics(new, operation_timeout=timeout_s), "create", timeout_s)
    if not wait_until(lambda: list_topics(settings, admin).items() >= counts.items(), SystemClock(), timeout_s):
        raise KafkaDown("created topics are not there", "try again")


def finish_restored(settings: Settings, topics: Iterable[str], timeout_s: float = 10.0) -> None:
    """Take the mark off. Raises KafkaDown, Fatal."""
    admin, names = make_admin(settings), Names(settings)
    resources = []
    for topic in topics:
        wanted = topic_config(TOPICS[topic], settings.replication_factor)
        entries = [
            ConfigEntry(name, wanted[name], incremental_operation=AlterConfigOpType.SET)
            if name in wanted
            else ConfigEntry(name, "", incremental_operation=AlterConfigOpType.DELETE)
            for name in UNFINISHED
        ]
        resources.append(ConfigResource(ResourceType.TOPIC, names.topic(topic), incremental_configs=entries))
    _wait_all(admin.incremental_alter_configs(resources), "configure", timeout_s)


def unfinished_topics(settings: Settings, timeout_s: float = 10.0) -> list[str]:
    """Our topics that a restore has not finished. Raises KafkaDown."""
    found = _configs(settings, timeout_s)
    return [topic for topic, values in found.items() if UNFINISHED.items() <= values.items()]


def _wait_all(futures: "Mapping[Any, Future[Any]]", what: str, timeout_s: float) -> None:
    for name, future in futures.items():
        try:
            future.result(timeout_s)
        except KafkaException as error:
            raise Fatal(f"cannot {what} topic {name}: {error.args[0].str()}") from None


def list_topics(settings: Settings, admin: AdminClient, timeout_s: float = 10.0) -> dict[str, int]:
    """Our topics that exist, by own name, with their partition counts. Raises KafkaDown."""
    names = Names(settings)
    try:
        found = admin.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        said, hint = refusal(settings, SystemClock()) or (error.args[0].str(), "is it running? `thumper check`")
        raise KafkaDown(f"no answer from Kafka at {settings.kafka_bootstrap}: {said}", hint) from None
    return {
        names.own(name): len(topic.partitions)
        for name, topic in found.items()
        if names.has_topic(name) and names.own(name) in TOPICS
    }


def retention_ms(settings: Settings, timeout_s: float = 10.0) -> dict[str, int]:
    """For how long those topics are kept that are not kept for ever, by own name. Raises KafkaDown."""
    found = {topic: int(values.get("retention.ms", -1)) for topic, values in _configs(settings, timeout_s).items()}
    return {topic: kept for topic, kept in found.items() if kept >= 0}


def described(future: "Future[dict[str, ConfigEntry]]", timeout_s: float) -> dict[str, ConfigEntry]:
    """What a broker answers when it is asked for a topic's settings. Raises KafkaDown, also if we may not ask."""
    try:
        return future.result(timeout_s)
    except KafkaException as error:
        said = f"Kafka does not say how its topics are set: {error.args[0].str()}"
        raise KafkaDown(said, "does it run, and may this user DESCRIBE_CONFIGS? `thumper check`") from None
    except FutureTimeoutError:
        raise KafkaDown("Kafka does not say how its topics are set", "is it running? `thumper check`") from None


def _configs(settings: Settings, timeout_s: float) -> dict[str, dict[str, str]]:
    """The broker's settings of our topics that exist, by own name. Raises KafkaDown."""
    admin, names = make_admin(settings), Names(settings)
    present = list_topics(settings, admin, timeout_s)
    resources = [ConfigResource(ResourceType.TOPIC, names.topic(name)) for name in present]
    if not resources:
        return {}
    return {
        names.own(resource.name): {entry.name: entry.value or "" for entry in described(future, timeout_s).values()}
        for resource, future in admin.describe_configs(resources, request_timeout=timeout_s).items()
    }
