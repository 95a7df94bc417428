"""Removing pictures: their bytes first, then the fact that lets everybody forget them.

In this order a removal that is broken off is seen and can be gone on with: the picture is still in the tables, and the
same command finds it again. The other way round a file would stay that nobody looks for. Why it is not the sink that
deletes: docs/decisions/0014-removal.md.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from producers.chosen import Chosen, where
from producers.delivery import Delivery
from producers.patience import in_full
from schemas.envelope import derived_name
from schemas.fact import ImageRemoved
from thumper.clock import Clock
from thumper.errors import KafkaDown, PictureError, Retriable

AT_ONCE = 256
THREADS = 8
LISTED = 10
SOURCE = "thumper/remove"


_COUNT = (
    "SELECT count(*) AS pictures, count(*) FILTER (WHERE i.uri LIKE 'file:%') AS in_place, "
    "min(i.taken_at) AS first, max(i.taken_at) AS last "
)
_PLACES = "SELECT COALESCE(l.name, '(no location)') AS name, count(*) AS pictures "
_EXAMPLES = "SELECT i.image_id, COALESCE(i.path, i.filename, i.uri) AS path, i.taken_at "
_PICTURES = "SELECT i.image_id, i.uri, i.log_partition, i.log_offset "


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be removed. in_place: of these the originals stay. examples: the first, by capture time."""

    pictures: int
    in_place: int
    first: datetime | None
    last: datetime | None
    places: Sequence[tuple[str, int]]
    examples: Sequence[tuple[UUID, str, datetime | None]]


def preview(connection: Connection, chosen: Chosen) -> Preview:
    """Look, and change nothing. Raises UserError if nothing was chosen."""
    wanted = where(chosen)
    counted = connection.execute(text(_COUNT + wanted), chosen.values()).mappings().one()
    places = connection.execute(
        text(f"{_PLACES}{wanted} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {LISTED}"), chosen.values()
    )
    order = f"ORDER BY i.taken_at, i.image_id LIMIT {LISTED}"
    examples = connection.execute(text(f"{_EXAMPLES}{wanted} {order}"), chosen.values())
    return Preview(
        counted["pictures"],
        counted["in_place"],
        counted["first"],
        counted["last"],
        [(name, count) for name, count in places],
        [(image_id, path, taken_at) for image_id, path, taken_at in examples],
    )


class Files(Protocol):
    """The store (thumper.store.Store). For many threads."""

    def remove(self, uri: str) -> bool:
        """Mark as removed, delete if it is the store's; whether there was a file. Raises PictureError, StoreDown."""
        ...


@dataclass(frozen=True, slots=True)
class RemovalParts:
    """What it is done with."""

    store: Files
    delivery: Delivery
    clock: Clock
    stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Words:
    """What the facts say of it."""

    reason: str | None = None
    removed_by: str | None = None


@dataclass(slots=True)
class RemovalSummary:
    """removed: pictures whose fact the broker has. files: deleted in the store. kept: in place, or already gone."""

    removed: int = 0
    files: int = 0
    kept: int = 0
    complaints: list[str] = field(default_factory=list)
    interrupted: bool = False
    stopped_because: str | None = None

    @property
    def exit_code(self) -> int:
        """0 done; 1 done, with complaints; 3 something needed went away; 130 interrupted."""
        if self.stopped_because is not None:
            return 3
        return 130 if self.interrupted else int(bool(self.complaints))


def remove(connection: Connection, chosen: Chosen, parts: RemovalParts, words: Words) -> RemovalSummary:
    """Remove the chosen pictures, a few hundred at a time. What goes away meanwhile stands in the summary.

    The caller sees to it that nobody imports or asks for pictures meanwhile.
    """
    summary = RemovalSummary()
    statement = text(f"{_PICTURES}{where(chosen)} ORDER BY i.log_partition, i.log_offset")
    rows = connection.execute(statement, chosen.values(), execution_options={"yield_per": AT_ONCE}).mappings()
    try:
        with ThreadPoolExecutor(THREADS, "remove") as pool:
            _all(iter(rows), parts, words, summary, pool)
            parts.delivery.drain()
    except Retriable as error:
        summary.stopped_because = in_full(error)
        with suppress(KafkaDown):
            parts.delivery.drain()
    return summary


def _all(
    rows: Iterator[RowMapping], parts: RemovalParts, words: Words, summary: RemovalSummary, pool: ThreadPoolExecutor
) -> None:
    while some := list(islice(rows, AT_ONCE)):
        if parts.stopped():
            summary.interrupted = True
            return
        for row, answer in zip(some, pool.map(lambda row: _delete(parts.store, row["uri"]), some), strict=True):
            if isinstance(answer, PictureError):
                summary.complaints.append(f"{row['image_id']}: {answer.message}")
            summary.files += answer is True
            summary.kept += answer is not True
            parts.delivery.send("facts", _fact(row, words, parts.clock.wall()), lambda: _arrived(summary))
        parts.delivery.poll()


def _delete(store: Files, uri: str) -> bool | PictureError:
    """What lies at an address that may not be used is not deleted; the picture is forgotten all the same."""
    try:
        return store.remove(uri)
    except PictureError as error:
        return error


def _arrived(summary: RemovalSummary) -> None:
    summary.removed += 1


def _fact(row: RowMapping, words: Words, now: datetime) -> ImageRemoved:
    """Its id follows from the picture and its event, so that a repeat is known as one."""
    told = derived_name("removed", row["image_id"], row["log_partition"], row["log_offset"])
    return ImageRemoved(
        type="image.removed",
        id=f"removed:{told}",
        time=now,
        source=SOURCE,
        image_id=row["image_id"],
        reason=words.reason,
        removed_by=words.removed_by,
    )
