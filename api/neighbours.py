"""The pictures right before and after one in a list, under the list's filters; for turning pages by key."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from api.cursors import Cursor
from api.deps import Deps, Filters, shown
from api.queries import Reader, positions, snapshot
from api.responses import PictureStatus
from api.routes.images import images, selected


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Ids; None at the list's ends."""

    newer: UUID | None
    older: UUID | None


def neighbours(
    parts: Deps, image_id: UUID, taken_at: datetime | None, narrowed: Filters, status: PictureStatus | None
) -> Neighbours:
    """Raises KafkaDown, DatabaseDown."""
    here = Cursor(dated=taken_at is not None, time=taken_at, id=image_id)
    narrowed = replace(narrowed, cursor=here, limit=1)
    older = images(parts, narrowed, status).items
    return Neighbours(_newer(parts, narrowed, status), older[0].image_id if older else None)


def _newer(parts: Deps, narrowed: Filters, status: PictureStatus | None) -> UUID | None:
    committed = parts.now.get().committed
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings, narrowed.min_confidence)
        values = {**selected(narrowed, seen, status), **positions(committed)}
        return _before(tables, values, narrowed.cursor.dated)


def _before(tables: Reader, values: dict[str, object], dated: bool) -> UUID | None:
    row = tables.row("picture_before", **values, dated=dated)
    if row is None and not dated:
        # Before the first picture without a time stands the oldest one with a time.
        row = tables.row("picture_before", **{**values, "after_id": None, "after_time": None}, dated=True)
    return row["image_id"] if row else None
