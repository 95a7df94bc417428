"""Events and records for the sink's tests."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from schemas.codec import encode
from schemas.detection import Box, DetectionCompleted, DetectionFailed, ErrorClass, ModelRef, Runtime, SourceRef
from schemas.envelope import Event
from schemas.fact import ModelActivated, ModelAdded
from schemas.image import Camera, ImageImported, image_id
from schemas.request import ProcessingRequested
from thumper.record import Partition, Record

TAKEN_AT = datetime(2025, 11, 1, 6, 30)
CLASSES = ("cattle", "pig", "raccoon", "doe", "unknown", "buck")


def sha(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def image(n: int) -> UUID:
    """The id of picture n."""
    return image_id(sha(n))


def at(topic: str, offset: int, partition: int = 0, ms: int | None = None, event: Event | None = None) -> Record:
    """A record; the broker's time follows the offset unless given."""
    when = 1_000 + offset if ms is None else ms
    return Record(Partition(topic, partition), offset, None if event is None else encode(event), timestamp_ms=when)


def imported(n: int, location: str | None = "Hayfield", import_id: str | None = None, **more: object) -> ImageImported:
    return ImageImported(
        sha256=sha(n),
        uri=f"store:///{sha(n)}",
        size_bytes=1_000 + n,
        filename=f"IMG_{n}.JPG",
        path=f"{location}/IMG_{n}.JPG",
        location=location,
        captured_at=TAKEN_AT + timedelta(minutes=n),
        captured_at_source="exif",
        camera=Camera(make="RECONYX", model="HF2", serial=f"S{n % 2}"),
        exif={"ISO": "100"},
        import_id=import_id,
        **more,
    )


def model(name: str = "m1") -> ModelRef:
    return ModelRef(id=name, name=name, weights_sha256="a" * 64, input_px=640)


def added(name: str = "m1", display_threshold: float = 0.5) -> ModelAdded:
    return ModelAdded(
        type="model.added",
        model=model(name),
        classes=CLASSES,
        store_threshold=0.05,
        display_threshold=display_threshold,
        iou=0.45,
        max_boxes=20,
    )


def activated(name: str = "m1") -> ModelActivated:
    return ModelActivated(type="model.activated", model_id=name)


def box(class_id: int = 3, confidence: float = 0.75) -> Box:
    return Box(
        class_id=class_id, class_name=CLASSES[class_id], confidence=confidence, x1=0.125, y1=0.25, x2=0.5, y2=0.75
    )


def origin(offset: int = 0, partition: int = 0, topic: str = "images") -> SourceRef:
    return SourceRef.model_validate(
        {"topic": topic, "partition": partition, "offset": offset, "event_id": f"e{offset}", "timestamp_ms": offset}
    )


def _outcome(n: int, name: str, of: SourceRef | None) -> dict[str, object]:
    return {
        "image_id": image(n),
        "group": "detector",
        "model": model(name),
        "origin": of or origin(n),
        "worker": "w1",
        "runtime": Runtime(backend="openvino", version="2026.4", device="CPU", precision="f32"),
    }


def completed(n: int, *boxes: Box, name: str = "m1", of: SourceRef | None = None) -> DetectionCompleted:
    shared = _outcome(n, name, of)
    return DetectionCompleted(type="detection.completed", width_px=4_000, height_px=3_000, boxes=boxes, **shared)


def failed(
    n: int,
    error_class: ErrorClass = "missing",
    message: str = "no such file",
    name: str = "m1",
    of: SourceRef | None = None,
) -> DetectionFailed:
    shared = _outcome(n, name, of)
    return DetectionFailed(type="detection.failed", error_class=error_class, error_message=message, **shared)


def requested(n: int, model_id: str | None = None) -> ProcessingRequested:
    return ProcessingRequested(sha256=sha(n), uri=f"store:///{sha(n)}", model_id=model_id)
