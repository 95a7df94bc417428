"""Alerts: how each is written, which are raised now, and those that a worker raises of itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.alert import Alert
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.envelope import Event
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.errors import DatabaseDown, KafkaDown, Retriable, StoreDown, TooManyLetters
from thumper.heartbeat import Identity
from thumper.lag import LagReader
from thumper.loop import Health
from thumper.record import Partition
from thumper.settings import Settings

TOPIC = Partition("alerts", 0)
LOOK_S = 1.0
# A store or a database that answers again at once is no reason to wake somebody.
AFTER_S = 3.0
MOST_WORDS = 1_000
RUNBOOK = "docs/runbook.md"
KINDS: Mapping[type[Retriable], str] = {
    StoreDown: "store_away",
    DatabaseDown: "database_away",
    TooManyLetters: "too_many_dead_letters",
}


class Emits(Protocol):
    """Sends events (thumper.emitter.Emitter)."""

    def emit(self, topic: str, event: Event) -> None:
        """Queue one event. Raises KafkaDown."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """What an alert says. since: None where it is over."""

    summary: str
    action: str = ""
    observed: str | None = None
    threshold: str | None = None
    since: datetime | None = None


def make_alert(name: str, words: Words, now: datetime, source: str, runbook: str = RUNBOOK) -> Alert:
    """The event: raised if `words` say since when, else resolved. runbook: the page with a chapter for each kind."""
    kind = "alert.resolved" if words.since is None else "alert.raised"
    return Alert(
        type=kind,
        id=f"{kind}:{name}:{now.isoformat()}"[:200],
        name=name[:200],
        summary=words.summary[:MOST_WORDS],
        observed=words.observed,
        threshold=words.threshold,
        since=words.since,
        action=words.action[:MOST_WORDS] or None,
        runbook=f"{runbook}#{name.partition('/')[0]}"[:MOST_WORDS],
        time=now,
        source=source,
    )


class Condition(NamedTuple):
    """Something that wants a person."""

    summary: str
    action: str


def conditions(health: Health, group: str, worker: str) -> dict[str, Condition]:
    """What is wrong, by the alert's name. Pure.

    Named by the worker what may be wrong for one of them only; by the partition what goes with it to another worker.
    That the broker is away cannot be said to the broker.
    """
    found = {}
    away = health.waits_for
    if away is not None and type(away) in KINDS:
        found[f"{KINDS[type(away)]}/{worker}"] = Condition(away.message, away.hint)
    for part, stopped in health.stopped.items():
        found[_of(stopped.kind, group, part)] = Condition(stopped.reason, stopped.action)
    return found


def ours(name: str, health: Health, group: str, worker: str) -> bool:
    """Whether it is for this worker to say that the alert of this name is over. Pure.

    What the monitor has found out about a worker (`worker_restarts/detector-1`) is for the monitor to say.
    """
    if any(name == f"{kind}/{worker}" for kind in KINDS.values()):
        return True
    return any(name == _of(kind, group, part) for part in health.partitions for kind in ("data_loss", "newer_event"))


class Alarm:
    """Watches a loop. known: the names of the alerts that are raised in the log, read once; raises KafkaDown."""

    def __init__(
        self,
        who: Identity,
        sender: Emits,
        clock: Clock,
        known: Callable[[], Iterable[str]],
        runbook: str = RUNBOOK,
    ) -> None:
        self._group = who.group
        self._worker = who.worker
        self._runbook = runbook
        self._sender = sender
        self._clock = clock
        self._known = known
        self._raised: set[str] | None = None
        self._since: dict[str, datetime] = {}
        self._first_s: dict[str, float] = {}
        self._look_s = 0.0

    def watch(self, health: Health) -> None:
        """Called at every turn of the loop; looks once a second."""
        now_s = self._clock.now_s()
        if now_s < self._look_s or not (health.joined or health.left):
            return
        self._look_s = now_s + LOOK_S
        try:
            if self._raised is None:
                self._raised = set(self._known())
            self._tell(conditions(health, self._group, self._worker), health, self._raised, now_s)
        except KafkaDown:
            return  # A broker that is away learns of it when it is back.

    def _tell(self, now: Mapping[str, Condition], health: Health, raised: set[str], now_s: float) -> None:
        for name, condition in now.items():
            self._since.setdefault(name, self._clock.wall())
            if now_s - self._first_s.setdefault(name, now_s) >= AFTER_S and name not in raised:
                self._sender.emit("alerts", self._raise(name, condition))
                raised.add(name)
        for name in [name for name in self._first_s if name not in now]:
            del self._first_s[name], self._since[name]
        for name in [name for name in raised - now.keys() if ours(name, health, self._group, self._worker)]:
            self._sender.emit("alerts", self._alert(name, Words("it is over")))
            raised.remove(name)

    def _raise(self, name: str, condition: Condition) -> Alert:
        return self._alert(name, Words(condition.summary, condition.action, since=self._since[name]))

    def _alert(self, name: str, words: Words) -> Alert:
        return make_alert(name, words, self._clock.wall(), f"thumper/{self._worker}", self._runbook)


def raised_alerts(settings: Settings, clock: Clock) -> list[Alert]:
    """The alerts that are raised now, by name. Raises KafkaDown."""
    lags, reader = LagReader(settings, clock), LogReader(settings, clock)
    newest: dict[str, Alert] = {}
    try:
        start, end = lags.starts([TOPIC.topic])[TOPIC], lags.ends([TOPIC.topic])[TOPIC]
        for item in reader.read(TOPIC, start, end):
            try:
                alert = decode(TOPIC.topic, item.value)
            except (UnreadableEvent, UnknownMajorVersion):
                continue
            newest[alert.name] = alert
    finally:
        reader.close()
        lags.close()
    return sorted((one for one in newest.values() if one.type == "alert.raised"), key=lambda one: one.name)


def _of(kind: str, group: str, part: Partition) -> str:
    return f"{kind}/{group}/{part.topic}/{part.number}"
