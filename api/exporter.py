"""What /metrics says of groups, topics and pictures. What is not known has no sample, and never an old one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import get_args

from api.lag_words import Windows
from api.look import GroupLook, LogLook, Look
from api.responses import GroupLagWord, LagWord
from api.status import State, Status
from schemas.alert import Alert
from thumper.clock import Clock
from thumper.errors import KafkaDown
from thumper.kafka import Names
from thumper.lag import PartitionLag
from thumper.metric import Family, Labels
from thumper.metrics import (
    ALERT_RAISED,
    DATABASE_UP,
    GROUP_LAG,
    GROUP_LAG_SECONDS,
    GROUP_LAG_SUM,
    GROUP_MEMBERS,
    GROUP_NEVER,
    GROUP_OFFSET,
    GROUP_PARTITIONS,
    GROUP_STATUS,
    KAFKA_UP,
    PICTURES,
    STATE,
    TOPIC_END,
    TOPIC_START,
)
from thumper.record import Partition


class Exporter:
    """A prometheus_client Collector. look: what is known now; alerts: those raised, or KafkaDown.

    Groups and topics are shown by their cluster's names.
    """

    def __init__(
        self,
        look: Callable[[], Look],
        names: Names,
        clock: Clock,
        windows: Windows,
        alerts: Callable[[], Sequence[Alert]],
    ) -> None:
        self._look = look
        self._windows = windows
        self._alerts = alerts
        self._names = names
        self._clock = clock

    def collect(self) -> Iterator[Family]:
        """The samples now."""
        look = self._look()
        yield KAFKA_UP.shown({(): float(look.log is not None)})
        yield DATABASE_UP.shown({(): float(look.database_up)})
        if look.log is not None:
            now_ms = self._clock.wall().timestamp() * 1_000
            yield from self._groups(look.log, now_ms)
            yield from self._topics(look.log)
            yield from self._words(look.log)
            with suppress(KafkaDown):  # the broker went meanwhile, or the user may not read this
                yield ALERT_RAISED.shown({(alert.name,): 1.0 for alert in self._alerts()})
        if look.status is not None:
            yield from _pictures(look.status)

    def _groups(self, log: LogLook, now_ms: float) -> Iterator[Family]:
        lags: dict[Labels, float] = {}
        sums: dict[Labels, float] = {}
        ages: dict[Labels, float] = {}
        committed: dict[Labels, float] = {}
        for group in log.groups:
            name = self._names.group(group.lag.group)
            for part in group.lag.partitions:
                labels = topic, _ = self._labels(part.partition)
                lags[name, *labels] = part.lag
                sums[name, topic] = sums.get((name, topic), 0.0) + part.lag
                if (age := age_s(group, part, now_ms)) is not None:
                    ages[name, *labels] = age
                if part.committed is not None:
                    committed[name, *labels] = part.committed
        yield GROUP_LAG.shown(lags)
        yield GROUP_LAG_SUM.shown(sums)
        yield GROUP_LAG_SECONDS.shown(ages)
        yield GROUP_OFFSET.shown(committed)
        known = {group.lag.group: group.members for group in log.groups if group.members is not None}
        yield GROUP_MEMBERS.shown({(self._names.group(group),): members for group, members in known.items()})

    def _words(self, log: LogLook) -> Iterator[Family]:
        words: dict[Labels, float] = {}
        bad: dict[Labels, float] = {}
        never: dict[Labels, float] = {}
        for group in log.groups:
            name, judged = self._names.group(group.lag.group), self._windows.judge(group.lag)
            words |= {(name, word): float(word == judged.word) for word in get_args(GroupLagWord)}
            said = list(judged.partitions.values())
            bad |= {(name, word): float(said.count(word)) for word in get_args(LagWord) if word != "OK"}
            never[name,] = sum(part.committed is None for part in group.lag.partitions)
        yield GROUP_STATUS.shown(words)
        yield GROUP_PARTITIONS.shown(bad)
        yield GROUP_NEVER.shown(never)

    def _topics(self, log: LogLook) -> Iterator[Family]:
        """Each partition once, though several groups read it."""
        read = {part.partition: (part.start, part.end) for group in log.groups for part in group.lag.partitions}
        both = {self._labels(part): edges for part, edges in {**read, **log.unread}.items()}
        yield TOPIC_START.shown({labels: start for labels, (start, _) in both.items()})
        yield TOPIC_END.shown({labels: end for labels, (_, end) in both.items()})

    def _labels(self, part: Partition) -> tuple[str, str]:
        return self._names.topic(part.topic), str(part.number)


def age_s(group: GroupLook, part: PartitionLag, now_ms: float) -> float | None:
    """Seconds since the oldest unfinished event of `part` came; 0.0 if all are finished, None if it is not known."""
    if not part.lag:
        return 0.0
    if part.partition not in group.oldest_ms:
        return None
    came_ms = group.oldest_ms[part.partition]
    # The broker's clock may be ahead of this machine's.
    return 0.0 if came_ms is None else max(0.0, (now_ms - came_ms) / 1_000)


def _pictures(status: Status) -> Iterator[Family]:
    numbers = status.numbers
    counts = {
        "pending": numbers.pending,
        "processing": numbers.processing,
        "completed": numbers.completed,
        "failed": numbers.failed,
    }
    yield PICTURES.shown({(state,): count for state, count in counts.items()})
    yield STATE.shown({(state,): float(state == status.state) for state in get_args(State)})
