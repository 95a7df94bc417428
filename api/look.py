"""One look at log and tables for /metrics: what is known now, and nothing in place of what is not."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine

from api.health import read_tables
from api.snapshot import Lags, Reading, Shared
from api.status import Status
from thumper.errors import DatabaseDown, KafkaDown, ThumperError
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition
from thumper.topics import GROUPS

# Topics that no group of ours reads, whose growth somebody wants to see.
UNREAD = ("dead-letters",)
# Several Prometheus servers, or a person who reloads, cause one look.
LOOK_MAX_AGE_S = 1.0


class Log(Lags, Protocol):
    """Reads positions from the log (thumper.lag.LagReader). Every method raises KafkaDown, and never guesses."""

    def starts(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        """The first offset of each partition."""
        ...

    def ends(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        """The last stable offset of each partition."""
        ...

    def members(self, group: str) -> int:
        """Members of the group."""
        ...


class Oldest(Protocol):
    """Reads when events came (thumper.oldest.OldestReader)."""

    def read(self, places: Mapping[Partition, int]) -> Mapping[Partition, int | None]:
        """See OldestReader.read."""
        ...


@dataclass(frozen=True, slots=True)
class GroupLook:
    """members: None if the broker does not say. oldest_ms: see OldestReader.read; of partitions with lag only."""

    lag: GroupLag
    members: int | None = None
    oldest_ms: Mapping[Partition, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogLook:
    """The groups, and (start, end) of partitions that none of them reads."""

    groups: Sequence[GroupLook]
    unread: Mapping[Partition, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """log, status: None if it could not be read."""

    log: LogLook | None
    database_up: bool
    status: Status | None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks. now: the shared reading of the status."""

    lags: Log
    oldest: Oldest
    engine: Engine
    now: Shared[Reading]

    def look(self) -> Look:
        """One look. Blocks for some milliseconds, or for one time-out where something is away. Never raises."""
        try:
            log = self._log()
        except KafkaDown:
            # The status needs the log too: no second time-out for it.
            return Look(None, self._tables_answer(), None)
        try:
            return Look(log, True, self.now.get().status)
        except DatabaseDown:
            return Look(log, False, None)
        except KafkaDown:
            return Look(None, self._tables_answer(), None)
        except ThumperError:
            return Look(log, True, None)

    def _log(self) -> LogLook:
        groups = [self._group(group, topics) for group, topics in GROUPS.items()]
        starts, ends = self.lags.starts(UNREAD), self.lags.ends(UNREAD)
        return LogLook(groups, {part: (starts[part], end) for part, end in ends.items()})

    def _group(self, group: str, topics: Sequence[str]) -> GroupLook:
        lag = self.lags.read(group, topics)
        members: int | None = None
        oldest: Mapping[Partition, int | None] = {}
        # The user may read positions and not this; or the broker went meanwhile. Lag itself is known.
        with suppress(KafkaDown):
            members = self.lags.members(group)
        with suppress(KafkaDown):
            oldest = self.oldest.read({part.partition: first_unfinished(part) for part in lag.partitions if part.lag})
        return GroupLook(lag, members, oldest)

    def _tables_answer(self) -> bool:
        try:
            read_tables(self.engine)
        except ThumperError:
            return False
        return True


def first_unfinished(part: PartitionLag) -> int:
    """The offset at which the oldest unfinished event may stand."""
    return max(part.position, part.start)
