"""What the windows say: outcomes per minute, how many of them failed, and where; pure."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

WINDOW_S = 60
# How long windows are kept; rules look no further back.
KEPT_S = 3_600
NOWHERE = "?"


class Cell(NamedTuple):
    """What is counted apart. partition: of `detections`. location: its name, `?` if it is not known."""

    partition: int
    group: str
    model: str
    worker: str
    location: str
    failed: bool

    def text(self) -> str:
        """As a table's key."""
        return json.dumps(self, ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a table's key."""
        return cls(*json.loads(text))


# One text for each of up to sixty windows, and all of them again at the next look.
_parse = lru_cache(maxsize=65_536)(Cell.parse)
# A table's row: ((cell's text, (start_s, end_s)), (count, newest offset)).
Row = tuple[tuple[str, tuple[float, float]], Sequence[int]]


class Counted(NamedTuple):
    """One cell in one window. start_s: when the window begins, in seconds since 1970 by the broker's clock."""

    start_s: int
    cell: Cell
    pictures: int


class Share(NamedTuple):
    """Outcomes, and those of them that are failures."""

    failed: int
    total: int

    @property
    def failed_share(self) -> float:
        """0 to 1; 0 of nothing."""
        return self.failed / self.total if self.total else 0.0


def count_once(before: Sequence[int], offset: int) -> tuple[int, int]:
    """(count, newest offset) of a cell after the outcome at `offset`. before: the same, or empty.

    An outcome that is read again after a crash lies at or below the newest offset and is not counted again: a cell is
    of one partition.
    """
    count, newest = before or (0, -1)
    return (count, newest) if offset <= newest else (count + 1, offset)


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of the last hour. now_s: seconds since 1970."""

    now_s: float
    counted: tuple[Counted, ...]

    @classmethod
    def of_rows(cls, now_s: float, rows: Iterable[Row]) -> Self:
        """Those of the last hour, from a copy of the table. Long work after a busy hour: not for an event loop."""
        recent = (row for row in rows if row[0][1][0] > now_s - KEPT_S)
        return cls(
            now_s, tuple(Counted(int(start_s), _parse(key), int(value[0])) for (key, (start_s, _)), value in recent)
        )

    def per_minute(self, group: str, minutes: int) -> float:
        """Outcomes of `group` per minute, over the last `minutes` whole minutes."""
        end_s = self.now_s // WINDOW_S * WINDOW_S
        first_s = end_s - minutes * WINDOW_S
        return sum(one.pictures for one in self._of(group) if first_s <= one.start_s < end_s) / minutes

    def share(self, group: str, minutes: int) -> Share:
        """Outcomes of `group` in the last `minutes`, the present one included."""
        return _share(self._since(group, minutes))

    def worst(self, group: str, minutes: int) -> str:
        """Where failures come from most: `location Hayfield`, `worker detector-2`; empty if from everywhere alike."""
        recent = self._since(group, minutes)
        failed = sum(one.pictures for one in recent if one.cell.failed)
        for kind in ("location", "worker", "model"):
            shares = {name: share for name, share in _by(recent, kind).items() if name != NOWHERE}
            if len(shares) < 2:
                continue
            name, most = max(shares.items(), key=lambda item: (item[1].failed, item[0]))
            if most.failed > 0.8 * failed:
                return f"{kind} {name}"
        return ""

    def by(self, kind: str, group: str, minutes: int) -> dict[str, Share]:
        """Outcomes by `model`, `worker` or `location`."""
        return _by(self._since(group, minutes), kind)

    def _of(self, group: str) -> Iterable[Counted]:
        return (one for one in self.counted if one.cell.group == group)

    def _since(self, group: str, minutes: int) -> list[Counted]:
        return [one for one in self._of(group) if one.start_s > self.now_s - minutes * WINDOW_S]


def _by(counted: Sequence[Counted], kind: str) -> dict[str, Share]:
    groups: dict[str, list[Counted]] = {}
    for one in counted:
        groups.setdefault(str(getattr(one.cell, kind)), []).append(one)
    return {name: _share(groups[name]) for name in sorted(groups)}


def _share(counted: Iterable[Counted]) -> Share:
    sums: Counter[bool] = Counter()
    for one in counted:
        sums[one.cell.failed] += one.pictures
    return Share(sums[True], sums.total())
