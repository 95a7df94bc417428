"""Which pictures a request may be for: rows by status, place or id, and what each of them waits for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from thumper.tables import BLOCK, COMPLETED, FAILED

Wanted = Literal["pending", "processing", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Which failures. text: somewhere in the message, in whatever case. until_ms: not later, by the broker's time."""

    error_class: str | None = None
    text: str | None = None
    until_ms: int | None = None

    @property
    def values(self) -> dict[str, object]:
        """As the statements take them."""
        return {"error_class": self.error_class, "text": self.text, "until_ms": self.until_ms}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures. image_ids, where given, says it all; else up to `limit` of a status (and a location).

    "processing" selects what "pending" does: both are in the pipeline. failure: which of the failed ones. hand_reset:
    those that somebody has reset by hand and that do not wait already, `but_not` these.
    """

    image_ids: tuple[UUID, ...] | None = None
    status: Wanted = "pending"
    location_id: UUID | None = None
    limit: int = 1_000
    failure: Failure = Failure()
    hand_reset: bool = False
    but_not: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Failed:
    """How many failed pictures are meant, by error class, and when the newest of them failed (broker time, ms)."""

    by_class: Mapping[str, int]
    newest_ms: int

    @property
    def pictures(self) -> int:
        """All of them."""
        return sum(self.by_class.values())


def count_failed(connection: Connection, selection: Selection, committed: Mapping[int, int]) -> Failed:
    """What `select` of failed ones would find without a limit. committed: see select."""
    values = {**_values(selection, committed), **selection.failure.values, "state": FAILED}
    rows = connection.execute(_FAILED, values).all()
    return Failed({row.error_class: row.pictures for row in rows}, max((row.newest_ms for row in rows), default=0))


def select(connection: Connection, selection: Selection, committed: Mapping[int, int]) -> list[RowMapping]:
    """The rows, those that need a request first. committed: the live group's position by partition of `images`.

    asked: an unanswered request waits for it. model_id, result_*: what the request would replace, NULL if nothing.
    """
    values = {**_values(selection, committed), "block_size": BLOCK}
    if selection.image_ids is not None:
        ids = [str(image_id) for image_id in dict.fromkeys(selection.image_ids)]
        return [*connection.execute(_BY_ID, values | {"ids": ids}).mappings()]
    if selection.hand_reset:
        reset = {"but_not": sorted(map(str, selection.but_not)), "limit": selection.limit}
        return [*connection.execute(_RESET, values | reset).mappings()]
    if selection.status in _DONE:
        done = {"state": _DONE[selection.status], "limit": selection.limit, **selection.failure.values}
        return [*connection.execute(_FINISHED, values | done).mappings()]
    rows: list[RowMapping] = []
    for statement, asked in ((_BEHIND, False), (_BEHIND, True), (_AHEAD, None)):
        left = selection.limit - len(rows)
        rows += connection.execute(statement, values | {"limit": left, "asked": asked}).mappings()
    return rows


def _values(selection: Selection, committed: Mapping[int, int]) -> dict[str, object]:
    return {
        "partitions": list(committed),
        "offsets": list(committed.values()),
        "place": None if selection.location_id is None else str(selection.location_id),
    }


def unknown_ids(connection: Connection, image_ids: Sequence[UUID]) -> list[str]:
    """Those of `image_ids` that no picture has, sorted."""
    if not image_ids:
        return []
    known = connection.execute(_KNOWN, {"ids": [str(image_id) for image_id in image_ids]}).scalars()
    return sorted(str(image_id) for image_id in set(image_ids).difference(known))


def knows_place(connection: Connection, location_id: UUID) -> bool:
    """Whether there is such a location."""
    return connection.execute(_PLACE, {"id": str(location_id)}).first() is not None


_DONE: Mapping[str, int] = {"completed": COMPLETED, "failed": FAILED}

_COMMITTED = """
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
"""
_COLUMNS = """
SELECT i.image_id, i.sha256, i.uri, i.size_bytes, i.log_partition, i.log_offset, i.hand_reset_at,
       a.model_id, r.log_partition AS result_partition, r.log_offset AS result_offset, q.asked
"""
_RESULT = """
LEFT JOIN active_model a ON true
LEFT JOIN result r ON r.image_id = i.image_id AND r.model_id = a.model_id
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT 1
        FROM request_state w
        LEFT JOIN request_state d
            ON d.image_id = w.image_id AND d.request_partition = w.request_partition AND d.model_id = ''
        WHERE w.image_id = i.image_id AND w.model_id IN ('', a.model_id) AND w.asked > coalesce(d.answered, -1)
    ) AS asked
) q
"""
_OF_PLACE = "(CAST(:place AS uuid) IS NULL OR i.location_id = CAST(:place AS uuid))"

_BY_ID = text(f"{_COLUMNS} FROM image i {_RESULT} WHERE i.image_id = ANY(CAST(:ids AS uuid[])) ORDER BY i.image_id")

# To be done, but passed by the group: the counters say which blocks of the log have such rows.
_BEHIND = text(
    f"""{_COMMITTED} {_COLUMNS}
FROM (SELECT DISTINCT log_partition, block FROM counter WHERE state = 0) k
JOIN committed c ON c.log_partition = k.log_partition AND k.block * :block_size < c.next_offset
JOIN image i ON i.log_partition = k.log_partition AND i.log_offset >= k.block * :block_size
    AND i.log_offset < least((k.block + 1) * :block_size, c.next_offset)
{_RESULT}
WHERE i.state = 0 AND q.asked = :asked AND {_OF_PLACE}
LIMIT :limit"""  # noqa: S608 - constants only
)

_AHEAD = text(
    f"""{_COMMITTED} {_COLUMNS}
FROM committed c
JOIN image i ON i.log_partition = c.log_partition AND i.log_offset >= c.next_offset
{_RESULT}
WHERE {_OF_PLACE}
LIMIT :limit"""
)

_IS_MEANT = f"""
i.state = :state AND r.state = :state AND {_OF_PLACE}
AND (CAST(:error_class AS text) IS NULL OR r.error_class = CAST(:error_class AS text))
AND (CAST(:text AS text) IS NULL OR strpos(lower(r.error_message), lower(CAST(:text AS text))) > 0)
AND (CAST(:until_ms AS bigint) IS NULL OR r.log_ms <= CAST(:until_ms AS bigint))
"""

_FINISHED = text(
    f"""{_COMMITTED} {_COLUMNS}
FROM image i
JOIN committed c ON c.log_partition = i.log_partition AND i.log_offset < c.next_offset
{_RESULT}
WHERE {_IS_MEANT}
ORDER BY i.image_id
LIMIT :limit"""
)

_FAILED = text(
    f"""{_COMMITTED}
SELECT coalesce(r.error_class, '') AS error_class, count(*) AS pictures, max(r.log_ms) AS newest_ms
FROM active_model a
JOIN result r ON r.model_id = a.model_id AND r.state = :state
JOIN image i ON i.image_id = r.image_id
JOIN committed c ON c.log_partition = i.log_partition AND i.log_offset < c.next_offset
WHERE {_IS_MEANT}
GROUP BY 1
ORDER BY 2 DESC"""  # noqa: S608 - constants only
)

_RESET = text(
    f"""{_COMMITTED} {_COLUMNS}
FROM image i
JOIN committed c ON c.log_partition = i.log_partition AND i.log_offset < c.next_offset
{_RESULT}
WHERE i.hand_reset_at IS NOT NULL AND NOT q.asked AND i.image_id <> ALL(CAST(:but_not AS uuid[]))
ORDER BY i.image_id
LIMIT :limit"""
)

_KNOWN = text("SELECT image_id FROM image WHERE image_id = ANY(CAST(:ids AS uuid[]))")
_PLACE = text("SELECT 1 FROM location WHERE location_id = CAST(:id AS uuid)")
