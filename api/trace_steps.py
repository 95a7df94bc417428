"""One event of a picture's story, in words and figures; pure."""

from datetime import UTC, datetime
from functools import singledispatch
from typing import NamedTuple

from api.responses import TraceStep
from schemas.detection import DetectionCompleted, DetectionFailed, Outcome
from schemas.envelope import Event
from schemas.fact import CorrectionMade, ImageRemoved, PlaceSeen
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from thumper.record import Record

Detail = str | int | float
Details = dict[str, Detail]


class Told(NamedTuple):
    """A record about the picture, and its event; None: nobody can read it."""

    record: Record
    event: Event | None


class _Words(NamedTuple):
    what: str
    text: str
    details: dict[str, Detail | None]


def step(told: Told, attempt: int | None, recorded: bool | None, text: str | None = None) -> TraceStep:
    """`told` as a step. attempt: from 1; recorded: whether the sink has it; text: instead of the event's own."""
    record = told.record
    words = _Words("dead letter", text or "", {}) if told.event is None else _words(told.event, record)
    return TraceStep(
        at=datetime.fromtimestamp(record.timestamp_ms / 1_000, UTC),
        what=words.what,
        text=words.text if attempt in (None, 1) else f"{words.text} (number {attempt})",
        topic=record.partition.topic,
        partition=record.partition.number,
        offset=record.offset,
        recorded=recorded,
        details={name: value for name, value in words.details.items() if value is not None},
    )


@singledispatch
def _words(event: Event, _: Record) -> _Words:
    return _Words("stated", event.type, {})


@_words.register
def _imported(event: ImageImported, _: Record) -> _Words:
    text = f"{event.path or event.filename or event.uri}{f', at {event.location}' if event.location else ''}"
    return _Words(
        "imported",
        text,
        {
            "uri": event.uri,
            "path": event.path,
            "filename": event.filename,
            "location": event.location,
            "size_bytes": event.size_bytes,
            "captured_at": event.captured_at.isoformat() if event.captured_at else None,
            "import_id": event.import_id,
            "source": event.source,
        },
    )


@_words.register
def _requested(event: ProcessingRequested, _: Record) -> _Words:
    text = f"{event.reason}{f', by {event.requested_by}' if event.requested_by else ''}"
    return _Words("requested", text, {"reason": event.reason, "by": event.requested_by, "model_id": event.model_id})


@_words.register
def _completed(event: DetectionCompleted, record: Record) -> _Words:
    found = ", ".join(f"{box.class_name} {box.confidence:.2f}" for box in event.boxes[:5]) or "nothing"
    more = f" and {len(event.boxes) - 5} more" if len(event.boxes) > 5 else ""
    return _Words("completed", f"{_by(event)}: {found}{more}", _figures(event, record) | {"boxes": len(event.boxes)})


@_words.register
def _failed(event: DetectionFailed, record: Record) -> _Words:
    text = f"{_by(event)}: {event.error_class}: {event.error_message}"
    return _Words("failed", text, _figures(event, record) | {"error_class": event.error_class})


@_words.register
def _place_seen(event: PlaceSeen, _: Record) -> _Words:
    text = f"also found as {event.path}"
    return _Words("place", text, {"path": event.path, "location": event.location, "import_id": event.import_id})


@_words.register
def _corrected(event: CorrectionMade, _: Record) -> _Words:
    said = ", ".join(str(part) for part in (event.class_name, event.location, event.note) if part)
    text = f"{said}{f', by {event.made_by}' if event.made_by else ''}"
    return _Words("corrected", text, {"by": event.made_by})


@_words.register
def _removed(event: ImageRemoved, _: Record) -> _Words:
    text = ", ".join(part for part in (event.reason, event.removed_by and f"by {event.removed_by}") if part)
    return _Words("removed", text or "without a reason", {"by": event.removed_by, "reason": event.reason})


def _by(event: Outcome) -> str:
    batch = f", in a batch of {event.batch.size}" if event.batch else ""
    return f"{event.model.name} in {event.worker}{batch}"


def _figures(event: Outcome, record: Record) -> dict[str, Detail | None]:
    times = event.timings
    return {
        "group": event.group,
        "worker": event.worker,
        "model": event.model.name,
        "model_id": event.model.id,
        "batch": event.batch.id if event.batch else None,
        "batch_size": event.batch.size if event.batch else None,
        "answers": f"{event.origin.topic} {event.origin.partition} at {event.origin.offset}",
        "queue_ms": round(times.queue_ms, 1),
        "read_ms": round(times.read_ms, 1),
        "decode_ms": round(times.decode_ms, 1),
        "infer_ms": round(times.infer_ms, 1),
        "total_ms": round(times.total_ms, 1),
        # By the broker's times of both events: with what it waited in the log.
        "event_to_outcome_ms": max(0, record.timestamp_ms - event.origin.timestamp_ms),
        "device": event.runtime.device,
    }
