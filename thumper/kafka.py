"""The only file that builds Kafka clients: every setting of theirs stands here, with what it is for.

The traps that these settings avoid are those of librdkafka's documentation (INTRODUCTION.md, CONFIGURATION.md).
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from thumper.clock import Clock
from thumper.errors import SettingError
from thumper.settings import Settings

Config = dict[str, Any]
C = TypeVar("C")
log = logging.getLogger("thumper.kafka")

# librdkafka reports each lost connection; they heal by themselves and only matter when nothing works any more,
# which the callers find out by their own time-outs.
PASSING = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT}


# What a cluster says to those that it does not let in, and what to do about it.
_REFUSED = {
    KafkaError._AUTHENTICATION: "are THUMPER_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD right?",
    KafkaError._SSL: "does THUMPER_KAFKA_SSL_CA name the authority that signed the broker's certificate, and does the "
    "certificate name this address?",
}

# The coordinator of a group is being elected or loads its offsets: seconds after a broker's start.
COORDINATOR_COMES = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._WAIT_COORD,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
}

# The leader of a partition is being elected, or is another than was known: moments after a topic's making too.
LEADER_COMES = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}


class Names:
    """Own names of topics and groups to and from the names in a shared cluster (prefixes)."""

    def __init__(self, settings: Settings) -> None:
        self._topic_prefix = settings.topic_prefix
        self._group_prefix = settings.group_prefix

    def topic(self, own: str) -> str:
        """The name in the cluster of our topic."""
        return self._topic_prefix + own

    def own(self, topic: str) -> str:
        """Our name of a topic in the cluster."""
        return topic.removeprefix(self._topic_prefix)

    def group(self, own: str) -> str:
        """The name in the cluster of our consumer group."""
        return self._group_prefix + own

    def has_topic(self, topic: str) -> bool:
        """Whether a topic in the cluster may be ours."""
        return topic.startswith(self._topic_prefix)


def connection(settings: Settings) -> Config:
    """How to reach the cluster: addresses and credentials, as librdkafka names them. Raises SettingError if unset."""
    if settings.kafka_bootstrap is None:
        raise SettingError("no Kafka address", "set THUMPER_KAFKA_BOOTSTRAP, or start the embedded stack: `thumper up`")
    found: Config = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security_protocol,
        "sasl.mechanism": settings.kafka_sasl_mechanism,
        "sasl.username": settings.kafka_sasl_username,
        "sasl.password": settings.kafka_sasl_password and settings.kafka_sasl_password.get_secret_value(),
        "ssl.ca.location": settings.kafka_ssl_ca and str(settings.kafka_ssl_ca),
        "ssl.certificate.location": settings.kafka_ssl_certificate and str(settings.kafka_ssl_certificate),
        "ssl.key.location": settings.kafka_ssl_key and str(settings.kafka_ssl_key),
    }
    return {name: value for name, value in found.items() if value is not None}


def refusal(settings: Settings, clock: Clock, within_s: float = 2.0) -> tuple[str, str] | None:
    """Why the cluster lets this user in no further, and what to do: asked when a call has had no answer.

    Calls themselves only say that there was none. None: it is not refused, or does not say so within `within_s`.
    """
    heard: list[KafkaError] = []
    asking = _made(AdminClient, {**_client(settings), "error_cb": heard.append})
    until_s = clock.now_s() + within_s
    while clock.now_s() < until_s:
        asking.poll(0.1)
        for error in heard:
            if error.code() in _REFUSED:
                return _said(error), _REFUSED[error.code()]
    return None


def _said(error: KafkaError) -> str:
    """The reason without the broker's address before it and the time behind it."""
    return error.str().partition("bootstrap: ")[2].partition(" (after")[0] or error.str()


def make_consumer(settings: Settings, group: str, **callbacks: Callable[..., None]) -> Consumer:
    """A member of `group` (our name) that commits nothing by itself and is told when a position is gone."""
    return _made(
        Consumer,
        {
            **_client(settings),
            "group.id": Names(settings).group(group),
            "partition.assignment.strategy": "range",
            "session.timeout.ms": settings.session_timeout_ms,
            "heartbeat.interval.ms": min(1_000, settings.session_timeout_ms // 3),
            "max.poll.interval.ms": max(settings.max_poll_interval_ms, settings.session_timeout_ms),
            # Also makes committed() wait for a predecessor's open transaction (KIP-447): no event is done twice.
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # A position that is gone is an error to decide on, never a silent jump.
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            # Claim checks are small: 16 MiB of them per partition set is more than a detector does in minutes.
            "queued.max.messages.kbytes": 16_384,
            "fetch.wait.max.ms": 100,
            **callbacks,
        },
    )


def make_reader(settings: Settings, fetch_wait_ms: int = 100) -> Consumer:
    """A consumer that belongs to no group's business: assign, read committed, commit nothing.

    fetch_wait_ms: how long the broker holds a request at a partition's end. One that goes from partition to partition
    waits so long at each.
    """
    return _made(
        Consumer,
        {
            **_reading(settings),
            "fetch.wait.max.ms": fetch_wait_ms,
            # A quarter of the default's memory; and once that is full, go on at once when there is room again (by
            # default a second later), so that whoever reads all that there is does not wait.
            "queued.max.messages.kbytes": 16_384,
            "fetch.queue.backoff.ms": 10,
        },
    )


def make_sampler(settings: Settings) -> Consumer:
    """A reader for one record of each of many partitions: fetches little, and says where a partition ends."""
    return _made(
        Consumer,
        {
            **_reading(settings),
            "enable.partition.eof": True,
            # Some dozens of events a partition, and nothing ahead once one is there. Without the last setting, one that
            # has events waiting keeps the others from being fetched for a second, time and again.
            "fetch.message.max.bytes": 65_536,
            "queued.min.messages": 1,
            "fetch.queue.backoff.ms": 1,
        },
    )


def make_offsets_reader(settings: Settings, group: str) -> Consumer:
    """A consumer that asks for a group's committed offsets and never joins it.

    The admin client's list_consumer_group_offsets would do, but librdkafka 2.16 crashes there when the coordinator
    answers that it is not (yet) the one (docs/decisions/0006-committed-offsets-by-consumer.md).
    """
    return _made(
        Consumer,
        {
            **_client(settings),
            "group.id": Names(settings).group(group),
            # What is committed now, without waiting for open transactions.
            "isolation.level": "read_uncommitted",
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
        },
    )


def committed_offsets(
    consumer: Consumer, places: list[TopicPartition], timeout_s: float, clock: Clock
) -> list[TopicPartition]:
    """The committed offsets of the consumer's group; asks again while its coordinator is only coming.

    Raises KafkaException if there is no answer within `timeout_s`.
    """
    return when_coordinated(lambda within_s: consumer.committed(places, timeout=within_s), timeout_s, clock)


def when_coordinated(
    ask: Callable[[float], list[TopicPartition]], timeout_s: float, clock: Clock
) -> list[TopicPartition]:
    """What `ask(seconds)` answers of a group, each place of it without an error; again while its coordinator comes.

    Raises KafkaException for any other error, and if there is no answer within `timeout_s`.
    """
    until_s = clock.now_s() + timeout_s
    while True:
        try:
            answer = ask(max(1.0, until_s - clock.now_s()))
            if (refused := next((place.error for place in answer if place.error is not None), None)) is None:
                return answer
            error = KafkaException(refused)
        except KafkaException as raised:
            error = raised
        if error.args[0].code() not in COORDINATOR_COMES or clock.now_s() > until_s:
            raise error
        clock.sleep(0.05)


def log_start(consumer: Consumer, place: TopicPartition, timeout_s: float, clock: Clock) -> int:
    """The first offset of a partition's log; asks again while its leader is only coming.

    Raises KafkaException if there is no answer within `timeout_s`.
    """
    until_s = clock.now_s() + timeout_s
    while True:
        try:
            low, _ = consumer.get_watermark_offsets(place, timeout=max(1.0, until_s - clock.now_s()))
            return int(low)
        except KafkaException as error:
            if error.args[0].code() not in LEADER_COMES or clock.now_s() > until_s:
                raise
        clock.sleep(0.05)


def make_producer(settings: Settings) -> Producer:
    """An idempotent producer for events of its own: acknowledged by all in-sync replicas, order kept."""
    return _made(Producer, {**_client(settings), **_sending(), "message.timeout.ms": 30_000})


def make_transactional_producer(settings: Settings, transactional_id: str) -> Producer:
    """A producer of transactions. The id must be unique among live processes and stable over restarts."""
    return _made(
        Producer,
        {
            **_client(settings),
            **_sending(),
            "transactional.id": Names(settings).group(transactional_id),
            "transaction.timeout.ms": settings.transaction_timeout_ms,
            "message.timeout.ms": settings.transaction_timeout_ms - 1_000,
            # Back-to-back small transactions take 8 ms with 5 ms of back-off, 105 ms with the default of 100.
            "retry.backoff.ms": 5,
        },
    )


def make_admin(settings: Settings) -> AdminClient:
    """A client for topics, groups and offsets."""
    return _made(AdminClient, _client(settings))


def _made(kind: Callable[[Config], C], config: Config) -> C:
    """A client. Raises SettingError for settings that none can be made with: a file that is not there, say."""
    try:
        return kind(config)
    except KafkaException as error:
        said = error.args[0].str()
        raise SettingError(f"no client of Kafka can be made: {said}", "see THUMPER_KAFKA_SSL_* and _SASL_*") from None


def faust_credentials(settings: Settings) -> Any:
    """How faust shall reach the cluster: its credentials, or None where none are asked for. Raises SettingError."""
    import ssl  # noqa: PLC0415 - for the monitor only

    from faust.auth import SASLCredentials, SSLCredentials  # noqa: PLC0415 - the same; it takes a second to load

    context = None
    if settings.kafka_security_protocol.endswith("SSL"):
        try:
            context = ssl.create_default_context(cafile=settings.kafka_ssl_ca)
            if settings.kafka_ssl_certificate is not None:
                context.load_cert_chain(settings.kafka_ssl_certificate, settings.kafka_ssl_key)
        except OSError as error:
            raise SettingError(f"the certificates for Kafka cannot be read: {error}", "THUMPER_KAFKA_SSL_*") from None
    if settings.kafka_security_protocol.startswith("SASL"):
        secret = settings.kafka_sasl_password
        password = None if secret is None else secret.get_secret_value()
        return SASLCredentials(
            username=settings.kafka_sasl_username,
            password=password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def _sending() -> Config:
    return {
        "acks": "all",
        "enable.idempotence": True,
        # Java's default partitioner, so that its tools and ours put a key into the same partition.
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 5,
        "queue.buffering.max.kbytes": 65_536,
        "allow.auto.create.topics": False,
    }


def _reading(settings: Settings) -> Config:
    return {
        **_client(settings),
        "group.id": Names(settings).group("reader"),
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "enable.partition.eof": False,
        "fetch.wait.max.ms": 100,
    }


def _client(settings: Settings) -> Config:
    return {
        **connection(settings),
        "client.id": "thumper",
        "error_cb": _note_error,
        # No Python logger: librdkafka's own thread would need the interpreter's lock to write a line, while calls
        # that keep the lock (memberid) wait for that thread. What matters comes back as errors of calls.
        "log_level": 2,
        # A broker that comes back is found again within a second.
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
    }


def _note_error(error: KafkaError) -> None:
    level = logging.DEBUG if error.code() in PASSING else logging.WARNING
    log.log(level, "kafka client: %s", error.str())
