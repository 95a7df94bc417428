"""What is well, doubtful or wrong in what was found: the judgements behind `thumper check`. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.codec import MAX_VALUE_BYTES
from thumper.cluster import ClusterView, TopicView
from thumper.settings import Settings
from thumper.topics import TOPICS, Topic, topic_config

State = Literal["ok", "warn", "fail"]
MINUTES_OF_A_YEAR = 365 * 24 * 60
# Kafka's default. More than 24.8 days cannot be set: it is a 32-bit number of milliseconds.
WEEK_MS = 7 * 86_400_000
# What goes wrong without these settings cannot be mended later: events would be gone.
VITAL = ("cleanup.policy", "retention.ms", "retention.bytes")
NEEDED_RIGHTS = ("DESCRIBE", "READ", "WRITE")
OLDEST_POSTGRES = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: which part, what was found, and what to do about it (empty: nothing)."""

    state: State
    part: str
    found: str
    advice: str = ""


def judge_cluster(settings: Settings, cluster: ClusterView) -> Iterator[Finding]:
    """All that can be said of the cluster."""
    words = f"{cluster.brokers} broker{'s' if cluster.brokers != 1 else ''}, cluster {cluster.cluster_id}"
    yield Finding("ok", "Kafka", f"answers at {settings.kafka_bootstrap}: {words}")
    yield from _complaints(
        "Kafka topics",
        f"{len(cluster.topics)} of {len(TOPICS)} are there, with the settings that they shall have",
        judge_topics(settings, cluster),
    )
    yield from _complaints("Kafka rights", "read and write on all topics and groups", judge_rights(settings, cluster))
    yield from _complaints(
        "Kafka settings", "the broker's fit ours", judge_broker(settings, cluster.broker, cluster.brokers)
    )


def _complaints(part: str, well: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings, or that all is well."""
    found = list(findings)
    yield from found or [Finding("ok", part, well)]


def judge_topics(settings: Settings, cluster: ClusterView) -> Iterator[Finding]:
    """Whether the topics are there, spread and kept as the table says."""
    missing = [settings.topic_prefix + name for name in TOPICS if name not in cluster.topics]
    if missing:
        yield Finding("fail", "Kafka topics", f"missing: {', '.join(missing)}", "`thumper init` creates them")
    yield from _judge_partitions(cluster.topics)
    for name, view in cluster.topics.items():
        yield from _judge_topic(settings, TOPICS[name], view, cluster.brokers)


def _judge_partitions(topics: Mapping[str, TopicView]) -> Iterator[Finding]:
    spread = {name: view.partitions for name, view in topics.items() if TOPICS[name].spread}
    if len(set(spread.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in spread.items())
        yield Finding(
            "warn",
            "Kafka topics",
            f"partition counts differ: {counts}",
            "stop producers, let the lag fall to 0, then raise all to the highest (thumper kafka kafka-topics --alter)",
        )
    for name, view in topics.items():
        if not TOPICS[name].spread and view.partitions != 1:
            found = f"{name} has {view.partitions} partitions instead of 1"
            yield Finding("fail", "Kafka topics", found, "delete it and run `thumper init`: its order means something")


def _judge_topic(settings: Settings, topic: Topic, view: TopicView, brokers: int) -> Iterator[Finding]:
    if view.replicas == 1 and brokers > 1:
        yield Finding(
            "warn",
            "Kafka topics",
            f"{topic.name} has one replica on {brokers} brokers: one lost disk loses it",
            "set THUMPER_REPLICATION_FACTOR=3 before `thumper init`, or raise it (kafka-reassign-partitions)",
        )
    if view.in_sync < view.replicas:
        found = f"{topic.name}: only {view.in_sync} of {view.replicas} replicas are in sync"
        yield Finding("warn", "Kafka topics", found, "see which broker is down (thumper kafka kafka-topics --describe)")
    if view.config is None:
        yield Finding("warn", "Kafka topics", f"{topic.name}: its settings may not be read", "allow DESCRIBE_CONFIGS")
        return
    for name, wanted in topic_config(topic, view.replicas).items():
        if name != "min.insync.replicas" and (found := view.config.get(name, "")) != wanted:
            yield _differs(settings, topic, name, wanted, found)


def _differs(settings: Settings, topic: Topic, name: str, wanted: str, found: str) -> Finding:
    command = f"thumper kafka kafka-configs --alter --topic {settings.topic_prefix}{topic.name}"
    state: State = "fail" if name in VITAL and topic.config.get("retention.ms") == "-1" else "warn"
    text = f"{topic.name}: {name} is {found or 'not set'}, not {wanted}"
    return Finding(state, "Kafka topics", text, f"{command} --add-config {name}={wanted}")


def judge_rights(settings: Settings, cluster: ClusterView) -> Iterator[Finding]:
    """Whether this user may do what the parts do. A cluster without access lists allows everything."""
    for name, view in cluster.topics.items():
        lacking = [] if view.rights is None else [right for right in NEEDED_RIGHTS if right not in view.rights]
        if lacking:
            found = f"no right to {' or '.join(lacking)} on topic {settings.topic_prefix}{name}"
            yield Finding("fail", "Kafka rights", found, f"allow it for {_user(settings)} (thumper kafka kafka-acls)")
    for group, rights in cluster.group_rights.items():
        if "READ" not in rights:
            found = f"no right to READ on group {settings.group_prefix}{group}"
            yield Finding("fail", "Kafka rights", found, f"allow it for {_user(settings)} (thumper kafka kafka-acls)")


def _user(settings: Settings) -> str:
    return f"user {settings.kafka_sasl_username}" if settings.kafka_sasl_username else "this user"


def judge_broker(settings: Settings, broker: Mapping[str, str] | None, brokers: int) -> Iterator[Finding]:
    """Whether a broker's settings fit ours. Settings that the broker does not tell are left out."""
    if broker is None:
        yield Finding("warn", "Kafka settings", "they may not be read", "allow DESCRIBE_CONFIGS on the cluster")
        return
    told = {name: int(text) for name, text in broker.items() if text.lstrip("-").isdigit()}
    if "group.consumer.session.timeout.ms" not in broker:
        yield _broker("warn", "older than Kafka 3.7, with which this was never tried", "upgrade Kafka")
    yield from _judge_patience(told)
    yield from _judge_sessions(settings, told)
    if told.get("message.max.bytes", MAX_VALUE_BYTES) < MAX_VALUE_BYTES:
        found = f"message.max.bytes is {told['message.max.bytes']}; events have up to {MAX_VALUE_BYTES}"
        yield _broker("warn", found, "raise it to 1048588, Kafka's default")
    if broker.get("auto.create.topics.enable") == "true":
        found = "auto.create.topics.enable is true: a mistyped name becomes a topic that expires"
        yield _broker("warn", found, "set it to false where you may; `thumper init` creates what is needed")
    if brokers > 1 and told.get("offsets.topic.replication.factor", brokers) == 1:
        found = f"offsets.topic.replication.factor is 1 on {brokers} brokers: one lost disk loses every position"
        yield _broker("warn", found, "raise it to 3 (kafka-reassign-partitions on __consumer_offsets)")


def _judge_patience(told: Mapping[str, int]) -> Iterator[Finding]:
    minutes = told.get("offsets.retention.minutes", MINUTES_OF_A_YEAR)
    if minutes < MINUTES_OF_A_YEAR:
        found = (
            f"offsets.retention.minutes is {minutes} ({minutes // 1440} days): a group that sleeps longer begins anew"
        )
        yield _broker("warn", found, f"set it to at least {MINUTES_OF_A_YEAR} (a year): cameras are seasonal")
    expires_ms = told.get("transactional.id.expiration.ms", WEEK_MS)
    if expires_ms < WEEK_MS:
        found = f"transactional.id.expiration.ms is {expires_ms}: an older worker that wakes up is not fenced"
        yield _broker("warn", found, f"set it to {WEEK_MS} or more (Kafka's default is a week)")


def _judge_sessions(settings: Settings, told: Mapping[str, int]) -> Iterator[Finding]:
    session_ms, transaction_ms = settings.session_timeout_ms, settings.transaction_timeout_ms
    least = told.get("group.min.session.timeout.ms", session_ms)
    most = told.get("group.max.session.timeout.ms", session_ms)
    if not least <= session_ms <= most:
        found = f"a session of {session_ms} ms is refused: the broker takes {least} to {most} ms"
        yield _broker("fail", found, f"set THUMPER_SESSION_TIMEOUT_MS to {min(max(least, session_ms), most)}")
    longest = told.get("transaction.max.timeout.ms", transaction_ms)
    if transaction_ms > longest:
        found = f"a transaction of {transaction_ms} ms is refused: the broker takes up to {longest} ms"
        yield _broker("fail", found, f"set THUMPER_TRANSACTION_TIMEOUT_MS to {longest}")
    scan_ms = told.get("transaction.abort.timed.out.transaction.cleanup.interval.ms", 0)
    if transaction_ms + scan_ms > session_ms:
        found = (
            f"a dead worker's transaction lasts up to {transaction_ms + scan_ms} ms, its session only {session_ms} ms:"
            " its successor waits"
        )
        yield _broker("warn", found, f"set THUMPER_SESSION_TIMEOUT_MS to {transaction_ms + scan_ms} or more")


def _broker(state: State, found: str, advice: str) -> Finding:
    return Finding(state, "Kafka settings", found, advice)


def judge_disk(part: str, place: str, free_bytes: int | None, least_bytes: int) -> Finding:
    """Whether there is room. free_bytes None: nobody knows (a bucket)."""
    if free_bytes is None:
        return Finding("ok", part, f"{place}: no limit is known")
    words = f"{place}: {free_bytes / 1e9:.1f} GB free"
    if free_bytes < least_bytes:
        return Finding("fail", part, f"{words}, {least_bytes / 1e9:.1f} GB are the least", "make room on its disk")
    if free_bytes < 2 * least_bytes:
        return Finding(
            "warn", part, f"{words}; below {least_bytes / 1e9:.1f} GB it stops", "make room on its disk soon"
        )
    return Finding("ok", part, words)


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """What a database says of itself. version: like 180006; schema None: no tables yet; unwritable: table names."""

    version: int
    words: str
    encoding: str
    read_only: bool
    may_create: bool
    may_use_temporary: bool
    schema: str | None
    unwritable: tuple[str, ...] = ()


def judge_database(view: DatabaseView, revisions: tuple[str, ...]) -> Iterator[Finding]:
    """revisions: the schemas that this release knows, oldest first."""
    yield Finding("ok", "PostgreSQL", f"answers: {view.words}")
    if view.version < OLDEST_POSTGRES * 10_000:
        yield _database("fail", f"older than {OLDEST_POSTGRES}", f"upgrade it to PostgreSQL {OLDEST_POSTGRES} or newer")
    if view.encoding != "UTF8":
        yield _database("fail", f"its encoding is {view.encoding}", "create the database anew with ENCODING 'UTF8'")
    if view.read_only:
        yield _database("fail", "it is read only", "is it a standby? THUMPER_DATABASE_URL must name the primary")
    if not view.may_use_temporary:
        yield _database("fail", "no right to create temporary tables", "GRANT TEMPORARY ON DATABASE ... TO this role")
    yield from _judge_schema(view, revisions)


def _judge_schema(view: DatabaseView, revisions: tuple[str, ...]) -> Iterator[Finding]:
    part, head = "PostgreSQL tables", revisions[-1]
    if view.schema is None:
        yield Finding("fail", part, "there are none", "`thumper init` creates them")
        if not view.may_create:
            yield Finding("fail", part, "no right to create them", "GRANT CREATE ON SCHEMA public TO this role")
    elif view.schema not in revisions:
        found = f"of schema {view.schema}, which this release does not know"
        yield Finding("fail", part, found, "install the newer release that made them")
    elif view.schema != head:
        found = f"of schema {view.schema}; this release has {head}"
        yield Finding("warn", part, found, "`thumper init`, or the next start of a sink, upgrades them")
    if view.unwritable:
        names = ", ".join(view.unwritable)
        yield Finding("fail", part, f"no right to write {names}", "GRANT SELECT, INSERT, UPDATE, DELETE ON them")
    elif view.schema == head:
        yield Finding("ok", part, f"of the newest schema ({head}), writable")


def _database(state: State, found: str, advice: str) -> Finding:
    return Finding(state, "PostgreSQL", found, advice)
