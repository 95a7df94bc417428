"""What the import says: one event for each new picture, one fact for each further place of a known one. Pure."""

from datetime import datetime
from uuid import UUID

from producers.find import Found
from producers.hands import Kept
from producers.names import MAX_NAME_CHARS, shortened
from schemas.envelope import derived_id
from schemas.fact import PlaceSeen
from schemas.image import ImageImported

SOURCE = "thumper/import"


def image_event(kept: Kept, import_id: str, now: datetime) -> ImageImported:
    """The event of a new picture. Its id follows from the picture, so that a repeat is known as one.

    A repair does not know where every picture was found: an empty location or name is left out.
    """
    found, metadata, captured = kept.read.found, kept.metadata, kept.metadata.captured
    return ImageImported(
        id=f"image:{kept.read.id}",
        time=now,
        source=SOURCE,
        sha256=kept.read.sha256,
        uri=kept.uri,
        size_bytes=len(kept.read.data),
        image_id=kept.read.id,
        media_type=metadata.media_type,
        filename=shortened(found.name.rpartition("/")[2], MAX_NAME_CHARS) or None,
        path=found.name or None,
        location=found.location or None,
        captured_at=captured and captured.at,
        utc_offset_minutes=captured and captured.utc_offset_minutes,
        captured_at_source=captured and captured.source,
        width_px=metadata.width_px,
        height_px=metadata.height_px,
        orientation=metadata.orientation,
        camera=metadata.camera,
        position=metadata.position,
        exif=metadata.exif,
        import_id=import_id,
    )


def place_fact(image: UUID, found: Found, import_id: str, now: datetime) -> PlaceSeen:
    """The fact that a known picture lies here too."""
    return PlaceSeen(
        type="place.seen",
        id=f"place:{derived_id('place', image, found.location, found.name)}",
        time=now,
        source=SOURCE,
        image_id=image,
        location=found.location,
        path=found.name,
        import_id=import_id,
    )
