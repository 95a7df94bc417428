"""What a replay would do again: how many pictures, taken when, what it replaces, and how long it takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import Connection, text

from thumper.replay.plan import Move, Wish, events

# Between two outcomes further apart than this nobody was working.
IDLE_MS = 5_000
NEWEST = 2_000


@dataclass(frozen=True, slots=True)
class Again:
    """Pictures. first, last: capture times, the places' own; dated: how many have one.

    completed, failed: what the active model's outcomes are now.
    """

    pictures: int
    dated: int
    first: datetime | None
    last: datetime | None
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done. waiting: offsets before the group already. rate_per_minute: None if nobody knows."""

    wish: Wish
    moves: tuple[Move, ...]
    again: Again
    waiting: int
    members: int
    rate_per_minute: float | None

    @property
    def seconds(self) -> float | None:
        """How long it takes at that rate, alone."""
        return self.again.pictures * 60 / self.rate_per_minute if self.rate_per_minute else None


def look(connection: Connection, moves: Sequence[Move]) -> Again:
    """The pictures whose newest event lies within `moves`, which go back. Reads their rows: seconds for ten million."""
    values = {
        "partitions": [move.partition.number for move in moves],
        "lows": [move.to for move in moves],
        "highs": [move.before for move in moves],
    }
    return Again(**connection.execute(_AGAIN, values).mappings().one())


def lately(connection: Connection) -> float | None:
    """Pictures a minute when somebody worked last, from the newest pictures' outcomes; None if there are none."""
    return pace(list(connection.execute(_TIMES, {"newest": NEWEST}).scalars()))


def pace(times_ms: Sequence[int]) -> float | None:
    """Pictures a minute from the times of outcomes in whatever order, pauses aside; None from fewer than two. Pure."""
    ordered = sorted(times_ms)
    gaps = [after - before for before, after in pairwise(ordered)]
    busy = [gap for gap in gaps if gap <= IDLE_MS]
    return len(busy) * 60_000 / max(1, sum(busy)) if busy else None


def lines(found: Preview, duration: str | None) -> Iterator[str]:
    """For people. duration: how long it takes, in words."""
    again = found.again
    yield f"[INFO] In place, the group detector goes back {found.wish}"
    yield "[INFO] Times to go back to are times of import (the broker's), never of capture"
    if not found.moves:
        yield "[INFO] Nothing lies between: nothing is done again"
        return
    yield (
        f"[INFO] Done again: {again.pictures:,} pictures ({events(found.moves):,} events in "
        f"{len(found.moves)} partitions), taken {_span(again)}"
    )
    yield (
        f"[INFO] Replaced, one by one: the results of {again.completed:,} completed and {again.failed:,} failed "
        "pictures; until then they stay readable, and people's corrections stay for good"
    )
    if found.waiting:
        yield f"[INFO] {found.waiting:,} events wait already; they and all new ones come after these"
    yield f"[INFO] {_how_long(found, duration)}"
    if found.members:
        yield f"[WARN] The group has {found.members} members: it must be stopped, or paused with --pause"


def _span(again: Again) -> str:
    if again.first is None:
        return "nobody knows when"
    undated = again.pictures - again.dated
    return f"{again.first} to {again.last}" + (f" ({undated:,} without a time)" if undated else "")


def _how_long(found: Preview, duration: str | None) -> str:
    if found.rate_per_minute is None or duration is None:
        return "How long it takes is not known: nothing was processed yet"
    return f"That takes about {duration} at {found.rate_per_minute:,.0f} pictures a minute"


_AGAIN = text(
    """
WITH moved (log_partition, low, high) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:lows AS bigint[]), CAST(:highs AS bigint[]))
)
SELECT count(*) AS pictures, count(i.taken_at) AS dated, min(i.taken_at) AS first, max(i.taken_at) AS last,
       count(*) FILTER (WHERE i.state = 1) AS completed, count(*) FILTER (WHERE i.state = 2) AS failed
FROM moved m
JOIN image i ON i.log_partition = m.log_partition AND i.log_offset >= m.low AND i.log_offset < m.high
"""
)
_TIMES = text(
    """
SELECT r.log_ms
FROM recorded k
CROSS JOIN LATERAL (
    SELECT image_id FROM image
    WHERE log_partition = k.log_partition
    ORDER BY log_offset DESC
    LIMIT CAST(:newest AS integer) / (SELECT count(*) FROM recorded WHERE topic = 'images') + 1
) i
JOIN active_model a ON true
JOIN result r ON r.image_id = i.image_id AND r.model_id = a.model_id
WHERE k.topic = 'images'
"""
)
