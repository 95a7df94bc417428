"""`images`: one event per imported picture, saying where its bytes are (claim check), never the bytes."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.envelope import Count, Event, Finite, LongText, Name, Part, Sha256, ShortText, Uri, derived_id

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
CapturedAtSource = Literal["exif", "filename", "given"]


def image_id(sha256: str) -> UUID:
    """The id of the picture whose bytes have this SHA-256 (64 lower-case hex digits): same bytes, same picture."""
    return derived_id("image", sha256)


def location_id(name: str) -> UUID:
    """The id of the place with this name."""
    return derived_id("location", name)


class Camera(Part):
    """What the camera says of itself."""

    make: ShortText | None = None
    model: ShortText | None = None
    serial: ShortText | None = None


class Position(Part):
    """A place on Earth: degrees (WGS 84), altitude in metres."""

    latitude: Latitude
    longitude: Longitude
    altitude_m: Finite | None = None


class ImageImported(Event):
    """A picture was stored and may be processed. `sha256` and `uri` are enough.

    captured_at: the camera's own local time, without offset; utc_offset_minutes says the offset where the camera does.
    uri: `store:///...` (relative to the configured store), `file:///...` under a configured read-only root, or `s3://...`.
    """

    type: Literal["image.imported"] = "image.imported"
    sha256: Sha256
    uri: Uri
    size_bytes: Count | None = None
    image_id: UUID | None = None
    media_type: ShortText | None = None
    filename: ShortText | None = None
    path: LongText | None = None
    location: Name | None = None
    captured_at: datetime | None = None
    utc_offset_minutes: Annotated[int, Field(ge=-1_440, le=1_440)] | None = None
    captured_at_source: CapturedAtSource | None = None
    width_px: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    height_px: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    orientation: Annotated[int, Field(ge=1, le=8)] | None = None
    camera: Camera | None = None
    position: Position | None = None
    exif: Annotated[dict[ShortText, ShortText], Field(max_length=64)] = Field(default_factory=dict)
    import_id: ShortText | None = None

    @model_validator(mode="after")
    def _id_belongs_to_the_bytes(self) -> Self:
        if self.image_id is not None and self.image_id != image_id(self.sha256):
            raise ValueError(f"image_id must be {image_id(self.sha256)}, which follows from sha256, or be left out")
        if self.captured_at is not None and self.captured_at.tzinfo is not None:
            raise ValueError("captured_at is the camera's local time and has no offset; put that in utc_offset_minutes")
        return self

    @property
    def image(self) -> UUID:
        """The picture's id, whether or not the event states it."""
        return self.image_id or image_id(self.sha256)

    def key(self) -> str:
        """The image id."""
        return str(self.image)
