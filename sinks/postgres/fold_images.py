"""`images` events to rows: the earliest describes the picture, the newest says where it stands in the log. Pure."""

import json
from typing import TypeAlias

from schemas.image import Camera, ImageImported
from sinks.postgres.places import Places
from sinks.postgres.rows import Position, Row, Rows, newer

_Placed: TypeAlias = tuple[Position, ImageImported]
_NO_CAMERA = Camera()


class ImageFold:
    """One row per picture. Every event but the first says that the picture was also seen elsewhere."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._first: dict[str, _Placed] = {}
        self._newest: dict[str, Position] = {}

    def add(self, at: Position, event: ImageImported) -> None:
        """Take one event."""
        key = str(event.image)
        held = self._first.get(key)
        if held is None:
            self._first[key] = (at, event)
            self._newest[key] = at
            return
        if at[:2] == held[0][:2]:
            return
        later = (at, event)
        if newer(held[0], at):
            self._first[key] = (at, event)
            later = held
        if newer(at, self._newest[key]):
            self._newest[key] = at
        place = self._places.named(later[1].location)
        self._places.seen(later[0], key, place, _path(later[1]), later[1].import_id)

    def fill(self, rows: Rows) -> None:
        """Add the rows of `image`, by id."""
        for key in sorted(self._first):
            first, event = self._first[key]
            rows.image.append(_row(key, event, self._places.named(event.location), first, self._newest[key]))


def _path(event: ImageImported) -> str:
    return event.path or event.filename or event.uri


def _row(key: str, event: ImageImported, place: str | None, first: Position, newest: Position) -> Row:
    camera = event.camera or _NO_CAMERA
    at = event.position
    return (
        key,
        event.sha256,
        event.uri,
        event.size_bytes,
        event.media_type,
        event.filename,
        event.path,
        place,
        event.captured_at,
        event.utc_offset_minutes,
        event.captured_at_source,
        event.width_px,
        event.height_px,
        event.orientation,
        camera.make,
        camera.model,
        camera.serial,
        at and at.latitude,
        at and at.longitude,
        at and at.altitude_m,
        json.dumps(event.exif, ensure_ascii=False) if event.exif else None,
        event.import_id,
        *first,
        *newest,
    )
