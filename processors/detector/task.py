"""What a record asks of the detector."""

from typing import NamedTuple
from uuid import UUID

from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from thumper.record import Record


class Task(NamedTuple):
    """One picture to look at, and the event that asks for it.

    key: the image id as text. origin: the fields of a SourceRef, which pydantic reads fastest within the outcome.
    trace: the event's traceparent, if it has one.
    """

    image_id: UUID
    key: str
    uri: str
    size_bytes: int | None
    sha256: str
    origin: dict[str, object]
    location: str | None
    trace: str | None


def task(record: Record, event: ImageImported | ProcessingRequested) -> Task:
    """What `event`, which came in `record`, asks for."""
    topic, partition = record.partition
    image_id = event.image
    return Task(
        image_id=image_id,
        key=str(image_id),
        uri=event.uri,
        size_bytes=event.size_bytes,
        sha256=event.sha256,
        origin={
            "topic": topic,
            "partition": partition,
            "offset": record.offset,
            "event_id": event.id or f"{topic}-{partition}-{record.offset}",
            "timestamp_ms": max(0, record.timestamp_ms),
        },
        location=event.location if isinstance(event, ImageImported) else None,
        trace=record.header("traceparent"),
    )
