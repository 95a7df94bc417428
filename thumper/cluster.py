"""What a Kafka cluster says of itself, read in bounded time, for whoever judges it (thumper/probe.py)."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, ResourceType

from thumper.clock import Clock, SystemClock
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_admin
from thumper.settings import Settings
from thumper.topics import TOPICS, list_topics

T = TypeVar("T")
GROUPS = ("detector", "sink")


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic: the fewest replicas of its partitions, the fewest in sync; rights and config None: not told."""

    partitions: int
    replicas: int
    in_sync: int
    rights: frozenset[str] | None
    config: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ClusterView:
    """By own names. broker: the settings of one broker; None where the user may not read them.

    group_rights: those of which the cluster told.
    """

    cluster_id: str
    brokers: int
    topics: Mapping[str, TopicView]
    broker: Mapping[str, str] | None
    group_rights: Mapping[str, frozenset[str]] = field(default_factory=dict)


def view_cluster(settings: Settings, clock: Clock | None = None, timeout_s: float = 8.0) -> ClusterView:
    """Ask the cluster, `timeout_s` seconds in all. Raises KafkaDown, SettingError if no address is set."""
    return _Questions(settings, clock or SystemClock(), timeout_s).view()


class _Questions:
    """One admin client and one deadline."""

    def __init__(self, settings: Settings, clock: Clock, timeout_s: float) -> None:
        self._settings = settings
        self._names = Names(settings)
        self._admin: AdminClient = make_admin(settings)
        self._clock = clock
        self._until_s = clock.now_s() + timeout_s

    def view(self) -> ClusterView:
        present = list_topics(self._settings, self._admin, min(5.0, self._left_s()))
        cluster = self._wait(self._admin.describe_cluster(request_timeout=self._left_s()))
        topics = self._topics(present)
        brokers = [str(node.id) for node in cluster.nodes]
        settings = self._configs(ResourceType.BROKER, brokers[:1])
        return ClusterView(
            cluster_id=str(cluster.cluster_id),
            brokers=len(brokers),
            topics=topics,
            broker=next(iter(settings.values()), None),
            group_rights=self._group_rights(),
        )

    def _topics(self, present: Iterable[str]) -> dict[str, TopicView]:
        names = {name: self._names.topic(name) for name in TOPICS if name in set(present)}
        if not names:
            return {}
        configs = self._configs(ResourceType.TOPIC, names.values())
        futures = self._admin.describe_topics(
            TopicCollection(list(names.values())), include_authorized_operations=True, request_timeout=self._left_s()
        )
        return {own: _topic_view(self._wait(futures[name]), configs.get(name)) for own, name in names.items()}

    def _configs(self, kind: ResourceType, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """By name; left out where the user may not read them."""
        asked = [ConfigResource(kind, name) for name in names]
        found: dict[str, dict[str, str]] = {}
        for resource, future in self._admin.describe_configs(asked, request_timeout=self._left_s()).items():
            with suppress(KafkaDown):
                found[resource.name] = {entry.name: entry.value or "" for entry in self._wait(future).values()}
        return found

    def _group_rights(self) -> dict[str, frozenset[str]]:
        names = {self._names.group(group): group for group in GROUPS}
        futures = self._admin.describe_consumer_groups(
            list(names), include_authorized_operations=True, request_timeout=self._left_s()
        )
        found: dict[str, frozenset[str]] = {}
        for name, future in futures.items():
            try:
                found[names[name]] = _rights(future.result(self._left_s()).authorized_operations) or frozenset()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
                    found[names[name]] = frozenset()
            except FutureTimeoutError:
                # A cluster that has never had a group makes the topic of positions first.
                continue
        return found

    def _left_s(self) -> float:
        return max(0.5, self._until_s - self._clock.now_s())

    def _wait(self, future: "Future[T]") -> T:
        try:
            return future.result(self._left_s())
        except KafkaException as error:
            raise KafkaDown(f"Kafka does not say: {error.args[0].str()}") from None
        except FutureTimeoutError:
            raise KafkaDown("Kafka takes too long to answer") from None


def _topic_view(topic: Any, config: Mapping[str, str] | None) -> TopicView:
    return TopicView(
        partitions=len(topic.partitions),
        replicas=min(len(part.replicas) for part in topic.partitions),
        in_sync=min(len(part.isr) for part in topic.partitions),
        rights=_rights(topic.authorized_operations),
        config=config,
    )


def _rights(operations: Iterable[AclOperation] | None) -> frozenset[str] | None:
    return None if operations is None else frozenset(operation.name for operation in operations)
