"""`detections`: one outcome per processed event, completed or failed."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from schemas.envelope import Count, Event, Finite, LongText, Part, Sha256, ShortText, Unit

# What went wrong with a picture. `record`: the outcome itself could not be stored by the sink. `removed`: nothing: its
# bytes are gone because somebody removed it.
ErrorClass = Literal[
    "missing",
    "integrity",
    "forbidden_path",
    "too_large",
    "decode",
    "unsupported",
    "read",
    "oom",
    "inference",
    "crash",
    "record",
    "removed",
]
MAX_BOXES = 1_000


class Box(Part):
    """One detection: corners relative to the upright picture (EXIF orientation applied), origin top left, in [0, 1]."""

    class_id: Annotated[int, Field(ge=0, le=100_000)]
    class_name: ShortText
    confidence: Unit
    x1: Unit
    y1: Unit
    x2: Unit
    y2: Unit

    @model_validator(mode="after")
    def _corners_in_order(self) -> Self:
        if self.x2 < self.x1 or self.y2 < self.y1:
            raise ValueError("a box needs x1 <= x2 and y1 <= y2")
        return self


class ModelRef(Part):
    """Which model: `id` hashes the weights' sha256, classes, input size, storing threshold and NMS settings."""

    id: ShortText
    name: ShortText
    weights_sha256: Sha256
    input_px: Annotated[int, Field(ge=32, le=8_192)]


class SourceRef(Part):
    """The event that this outcome answers: where it stands in the log, its id and the broker's time of it."""

    topic: Literal["images", "requests"]
    partition: Annotated[int, Field(ge=0, le=2**31 - 1)]
    offset: Count
    event_id: ShortText
    timestamp_ms: Count


class Runtime(Part):
    """What computed it; no part of the model's identity."""

    backend: ShortText
    version: ShortText
    device: ShortText
    precision: ShortText


class Batch(Part):
    """The micro-batch that the picture was in."""

    id: ShortText
    size: Annotated[int, Field(ge=1, le=100_000)]


class Timings(Part):
    """Milliseconds. queue: from the broker's time of the event to taking it; infer: the batch's time / its size."""

    queue_ms: Finite = 0.0
    read_ms: Finite = 0.0
    decode_ms: Finite = 0.0
    infer_ms: Finite = 0.0
    total_ms: Finite = 0.0


class Outcome(Event):
    """What both outcomes share."""

    image_id: UUID
    group: ShortText
    model: ModelRef
    origin: SourceRef
    worker: ShortText
    runtime: Runtime
    timings: Timings = Timings()
    batch: Batch | None = None
    finished_at: datetime | None = None

    def key(self) -> str:
        """The image id."""
        return str(self.image_id)


class DetectionCompleted(Outcome):
    """The picture was looked at. `boxes`, most confident first, may be empty.

    boxes: those at or above the model's storing threshold.
    boxes_dropped: how many of the least confident were left out because the event would have been too large.
    """

    type: Literal["detection.completed"]
    width_px: Annotated[int, Field(ge=1, le=2**31 - 1)]
    height_px: Annotated[int, Field(ge=1, le=2**31 - 1)]
    boxes: Annotated[tuple[Box, ...], Field(max_length=MAX_BOXES)]
    boxes_dropped: Count = 0


class DetectionFailed(Outcome):
    """The picture could not be looked at, and why. An earlier good result of the same model stays."""

    type: Literal["detection.failed"]
    error_class: ErrorClass
    error_message: LongText
