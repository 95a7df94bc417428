"""Places that a batch names, and where known pictures were seen besides. Pure."""

from functools import lru_cache

from schemas.image import location_id
from sinks.postgres.rows import Position, Row, Rows, newer


@lru_cache(maxsize=4_096)
def _id_of(name: str) -> str:
    return str(location_id(name))


class Places:
    """Every place that any event of the batch names gets a row; a statement also gives it a position on Earth."""

    def __init__(self) -> None:
        self._named: dict[str, str] = {}
        self._stated: dict[str, tuple[Position, float | None, float | None]] = {}
        self._seen: dict[tuple[str, str | None, str], tuple[Position, str | None]] = {}

    def named(self, name: str | None) -> str | None:
        """The id of the place `name`, which exists from now on; None for None."""
        if name is None:
            return None
        place = _id_of(name)
        self._named[place] = name
        return place

    def stated(self, at: Position, name: str, latitude: float | None, longitude: float | None) -> None:
        """A statement of where the place is."""
        place = _id_of(name)
        self._named[place] = name
        held = self._stated.get(place)
        if held is None or newer(at, held[0]):
            self._stated[place] = (at, latitude, longitude)

    def seen(self, at: Position, image_id: str, place: str | None, path: str, import_id: str | None) -> None:
        """The picture was found at a further place. Both `images` and `facts` say so, whose offsets do not compare."""
        key = (image_id, place, path)
        held = self._seen.get(key)
        if held is None or _by_time(at, import_id) > _by_time(*held):
            self._seen[key] = (at, import_id)

    def fill(self, rows: Rows) -> None:
        """Add the rows of `location` and `place`."""
        for place, name in self._named.items():
            at, latitude, longitude = self._stated.get(place, ((None, None, None), None, None))
            rows.location.append((place, name, latitude, longitude, *at))
        rows.place.extend(_seen_row(*key, *seen) for key, seen in self._seen.items())


def _by_time(at: Position, import_id: str | None) -> tuple[int, int, int, str]:
    return (at.ms, at.partition, at.offset, import_id or "")


def _seen_row(image_id: str, place: str | None, path: str, at: Position, import_id: str | None) -> Row:
    return (image_id, place, path, import_id, *at)
