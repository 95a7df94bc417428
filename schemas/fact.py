"""`facts`: what people and producers state, about places, pictures and models."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.detection import ModelRef
from schemas.envelope import Event, LongText, Name, ShortText, Unit, derived_id
from schemas.image import Latitude, Longitude, location_id


class LocationStated(Event):
    """A place has this name and position. The newest statement wins."""

    type: Literal["location.stated"]
    name: Name
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @property
    def location_id(self) -> UUID:
        """The place's id, which follows from its name."""
        return location_id(self.name)

    def key(self) -> str:
        """The location's id."""
        return str(self.location_id)


class DeploymentStated(Event):
    """A camera stood at a place for a while.

    clock_offset_s: is added to its pictures' own time to get the true local time.
    start and end: local times without offset, both inclusive; None is open.
    `location`, `camera` and `start` identify it.
    """

    type: Literal["deployment.stated"]
    location: Name
    camera: ShortText | None = None
    start: datetime | None = None
    end: datetime | None = None
    clock_offset_s: Annotated[int, Field(ge=-(10**9), le=10**9)] = 0

    @model_validator(mode="after")
    def _local_times_in_order(self) -> Self:
        if any(moment is not None and moment.tzinfo is not None for moment in (self.start, self.end)):
            raise ValueError("start and end are local times of the camera and have no offset")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError("a deployment ends after it starts")
        return self

    @property
    def deployment_id(self) -> UUID:
        """Follows from place, camera and start."""
        return derived_id("deployment", self.location, self.camera, self.start)

    def key(self) -> str:
        """The location's id, so that all that is said of one place stays in order."""
        return str(location_id(self.location))


class PlaceSeen(Event):
    """A known picture was found at a further place (a copy in another folder or card)."""

    type: Literal["place.seen"]
    image_id: UUID
    location: Name | None = None
    path: LongText
    import_id: ShortText | None = None

    def key(self) -> str:
        """The image id."""
        return str(self.image_id)


class CorrectionMade(Event):
    """A person says what is in a picture, or where it was taken; outlives every replay."""

    type: Literal["correction.made"]
    image_id: UUID
    class_name: ShortText | None = None
    location: Name | None = None
    note: LongText | None = None
    made_by: ShortText | None = None

    def key(self) -> str:
        """The image id."""
        return str(self.image_id)


class ImageRemoved(Event):
    """A picture is to be forgotten: only its id stays."""

    type: Literal["image.removed"]
    image_id: UUID
    reason: ShortText | None = None
    removed_by: ShortText | None = None

    def key(self) -> str:
        """The image id."""
        return str(self.image_id)


class ModelAdded(Event):
    """A model may be used from now on. Thresholds belong to the model: stored from one, shown from the other."""

    type: Literal["model.added"]
    model: ModelRef
    classes: Annotated[tuple[ShortText, ...], Field(max_length=10_000)]
    store_threshold: Unit
    display_threshold: Unit
    iou: Unit
    max_boxes: Annotated[int, Field(ge=1, le=1_000)]

    def key(self) -> str:
        """The model's id."""
        return self.model.id


class ModelActivated(Event):
    """From now on this model's outcomes are the ones that views and status speak of."""

    type: Literal["model.activated"]
    model_id: ShortText
    activated_by: ShortText | None = None

    def key(self) -> str:
        """One key for all, so that activations have one order."""
        return "active-model"


Fact = LocationStated | DeploymentStated | PlaceSeen | CorrectionMade | ImageRemoved | ModelAdded | ModelActivated
