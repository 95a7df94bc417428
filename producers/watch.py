"""Watching folders: which files have arrived, new and no longer being written, and a round of import for them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain

from producers.find import Found, Trouble
from producers.tally import ImportSummary
from thumper.clock import Clock

# A file that has not changed for this long is whole: cameras and copying programs write without such gaps.
SETTLED_S = 2.0
POLL_S = 1.0
# Walking a large tree is allowed a tenth of the time.
REST = 9.0
SLICE_S = 0.2

ImportRound = Callable[[Iterable[Found | Trouble]], ImportSummary]


@dataclass(slots=True)
class _Seen:
    size_bytes: int
    mtime_s: float
    since_s: float
    round: int


@dataclass(slots=True)
class Arrivals:
    """Remembers 8 bytes for each file that has arrived (some 70 MB for a million), and the names of those that wait.

    A file is known by path, size and time of change: one that is written again arrives again.
    """

    _arrived: set[int] = field(default_factory=set)
    _waiting: dict[bytes, _Seen] = field(default_factory=dict)
    _round: int = 0

    def ready(self, items: Iterable[Found | Trouble], now_s: float, wall_s: float) -> Iterator[Found | Trouble]:
        """Those of `items` (one whole walk) that have arrived since the last call.

        now_s: monotonic; wall_s: seconds since 1970, to tell at first sight that a file is old.
        """
        self._round += 1
        for item in items:
            if self._is_new(item) and (isinstance(item, Trouble) or self._has_settled(item, now_s, wall_s)):
                self._arrived.add(_mark(item))
                self._waiting.pop(item.path, None)
                yield item
        self._waiting = {path: seen for path, seen in self._waiting.items() if seen.round == self._round}

    @property
    def waiting(self) -> int:
        """How many files are still being written."""
        return len(self._waiting)

    def _is_new(self, item: Found | Trouble) -> bool:
        return _mark(item) not in self._arrived

    def _has_settled(self, found: Found, now_s: float, wall_s: float) -> bool:
        seen = self._waiting.get(found.path)
        if seen is None and wall_s - found.mtime_s >= SETTLED_S:
            return True
        if seen is None or (seen.size_bytes, seen.mtime_s) != (found.size_bytes, found.mtime_s):
            self._waiting[found.path] = _Seen(found.size_bytes, found.mtime_s, now_s, self._round)
            return False
        seen.round = self._round
        return now_s - seen.since_s >= SETTLED_S


def _mark(item: Found | Trouble) -> int:
    what = f"{item.size_bytes} {item.mtime_s}" if isinstance(item, Found) else item.reason
    return int.from_bytes(blake2b(item.path + b"\x00" + what.encode(), digest_size=8).digest())


def watch(
    walk: Iterable[Found | Trouble], import_round: ImportRound, clock: Clock, stopped: Callable[[], bool]
) -> ImportSummary:
    """Import what arrives until stopped, or until a round ends early; all rounds' counts together."""
    total, arrivals = ImportSummary(), Arrivals()
    while not stopped() and total.stopped_because is None:
        began_s = clock.now_s()
        ready = arrivals.ready(walk, began_s, clock.wall().timestamp())
        first = next(ready, None)
        if first is not None:
            total.add(import_round(chain([first], ready)))
        rest_s = clock.now_s() + max(POLL_S, REST * (clock.now_s() - began_s) if first is None else 0)
        while not stopped() and total.stopped_because is None and clock.now_s() < rest_s:
            clock.sleep(SLICE_S)
    total.interrupted = False
    return total
