"""Burrow's words for a group's lag: rules over a sliding window of readings; pure.

The rules are those that Burrow publishes (Consumer Lag Evaluation Rules), in its order, with two translations:

- Burrow sees every commit, and a group that commits nothing any more has stopped. Here positions are read: without
  members nobody can commit, so a group whose window has no member has stopped.
- A position that went back is somebody's reset, a replay. It is REWIND, and no error of the group.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

from api.responses import GroupLagWord, LagWord
from thumper.lag import GroupLag
from thumper.record import Partition

# Thirty readings of ten seconds: after five minutes without progress the predecessor's runbook calls it stuck.
READINGS = 30
EVERY_S = 10.0
_ERRORS = {"STOP", "STALL"}


class Reading(NamedTuple):
    """Where the group stood in a partition. members: of the group; None if the broker did not say."""

    at_s: float
    position: int
    lag: int
    members: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A group's words. complete: share of the window that was seen; until it is whole, every word is OK."""

    word: GroupLagWord
    complete: float
    partitions: Mapping[Partition, LagWord]


@dataclass
class Windows:
    """The newest readings of each partition of each group. For any thread. size: readings in a whole window."""

    size: int = READINGS
    _seen: dict[tuple[str, Partition], deque[Reading]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, lag: GroupLag, members: int | None) -> None:
        """Take in a reading of a group."""
        with self._lock:
            for part in lag.partitions:
                window = self._seen.setdefault((lag.group, part.partition), deque(maxlen=self.size))
                window.append(Reading(lag.read_at_s, part.position, part.lag, members))

    def judge(self, now: GroupLag) -> Judged:
        """The words for what was read now."""
        with self._lock:
            windows = {one.partition: tuple(self._seen.get((now.group, one.partition), ())) for one in now.partitions}
        words = {one.partition: partition_word(windows[one.partition], one.lag, self.size) for one in now.partitions}
        seen = min((len(window) for window in windows.values()), default=0)
        newest = [window[-1].members for window in windows.values() if window]
        found = any(one.committed is not None for one in now.partitions) or any(newest)
        return Judged(group_word(list(words.values()), found), round(seen / self.size, 2), words)


def partition_word(window: Sequence[Reading], lag_now: int, size: int = READINGS) -> LagWord:
    """Burrow's word for a partition; OK until the window is whole."""
    if lag_now == 0 or len(window) < size or any(one.lag == 0 for one in window):
        return "OK"
    if all(one.members == 0 for one in window):
        return "STOP"
    positions = [one.position for one in window]
    if positions[-1] < max(positions):
        return "REWIND"
    if len(set(positions)) == 1:
        return "STALL"
    lags = [one.lag for one in window]
    fell = any(later < earlier for earlier, later in pairwise(lags))
    return "OK" if fell else "WARN"


def group_word(words: Sequence[LagWord], found: bool) -> GroupLagWord:
    """The worst of the partitions' words. found: the group has members, or has ever committed."""
    if not found:
        return "NOTFOUND"
    if _ERRORS & set(words):
        return "ERR"
    return "WARN" if "WARN" in words else "OK"
