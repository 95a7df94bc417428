"""`requests`: process a known picture again."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import StringConstraints, model_validator

from schemas.envelope import Count, Event, Sha256, ShortText, Uri
from schemas.image import image_id


class ProcessingRequested(Event):
    """Process this picture again, by the claim check of its `images` event. `model_id` None: the active model."""

    type: Literal["processing.requested"] = "processing.requested"
    sha256: Sha256
    uri: Uri
    size_bytes: Count | None = None
    image_id: UUID | None = None
    model_id: ShortText | None = None
    reason: Annotated[str, StringConstraints(max_length=200)] = "asked"
    requested_by: ShortText | None = None

    @model_validator(mode="after")
    def _id_belongs_to_the_bytes(self) -> Self:
        if self.image_id is not None and self.image_id != image_id(self.sha256):
            raise ValueError(f"image_id must be {image_id(self.sha256)}, which follows from sha256, or be left out")
        return self

    @property
    def image(self) -> UUID:
        """The picture's id, whether or not the event states it."""
        return self.image_id or image_id(self.sha256)

    def key(self) -> str:
        """The image id."""
        return str(self.image)
