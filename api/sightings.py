"""Which animals were where and when: pictures that show a class, by place, day and hour, of a bounded number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from api.deps import Deps, Filters, shown
from api.queries import Row, snapshot

# A season is half of it. More would take the database from the sink for longer than a page is waited for.
MOST_PICTURES = 50_000


@dataclass(frozen=True, slots=True)
class Sightings:
    """looked_at: pictures counted through, the newest ones. Each counter: pictures, one for each class it shows."""

    looked_at: int
    first: datetime | None
    last: datetime | None
    classes: Counter[str] = field(default_factory=Counter)
    places: Counter[UUID | None] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    by_place: dict[UUID | None, Counter[str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether no picture of what was asked for was left out."""
        return self.looked_at < MOST_PICTURES


def sightings(parts: Deps, narrowed: Filters) -> Sightings:
    """Of the newest pictures that `narrowed` lets through, above its confidence. Raises DatabaseDown."""
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings, narrowed.min_confidence)
        values = {**narrowed.values, "most": MOST_PICTURES}
        span = tables.row("sightings_span", **values)
        rows = tables.rows("sightings", **values, model=seen.model_id, confidence=seen.confidence)
    assert span is not None  # noqa: S101 - it counts
    return folded(Sightings(span["pictures"], span["first"], span["last"]), rows)


def folded(found: Sightings, rows: Sequence[Row]) -> Sightings:
    """`found` with `rows` counted in."""
    for row in rows:
        pictures = row["pictures"]
        found.classes[row["class_name"]] += pictures
        found.places[row["location_id"]] += pictures
        found.hours[row["hour"]] += pictures
        found.days[row["day"]] += pictures
        found.by_place.setdefault(row["location_id"], Counter())[row["class_name"]] += pictures
    return found
