"""What a record asks of the detector."""

from dataclasses import dataclass
from uuid import UUID

from schemas.detection import SourceRef
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from thumper.record import Record


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to look at, and the event that asks for it. trace: the event's traceparent, if it has one."""

    image_id: UUID
    uri: str
    size_bytes: int | None
    sha256: str
    origin: SourceRef
    location: str | None
    trace: str | None


def task(record: Record, event: ImageImported | ProcessingRequested) -> Task:
    """What `event`, which came in `record`, asks for."""
    topic, partition = record.partition
    origin = SourceRef.model_validate(
        {
            "topic": topic,
            "partition": partition,
            "offset": record.offset,
            "event_id": event.id or f"{topic}-{partition}-{record.offset}",
            "timestamp_ms": max(0, record.timestamp_ms),
        }
    )
    return Task(
        image_id=event.image,
        uri=event.uri,
        size_bytes=event.size_bytes,
        sha256=event.sha256,
        origin=origin,
        location=event.location if isinstance(event, ImageImported) else None,
        trace=record.header("traceparent"),
    )
