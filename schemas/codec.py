"""Events to and from what travels on the wire: a JSON value, CloudEvents binary-mode headers, version rules.

Source of the header names: CloudEvents 1.0.2, Kafka protocol binding, binary content mode; W3C Trace Context.
"""

import hashlib
import re
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas.alert import Alert
from schemas.control import Control
from schemas.detection import DetectionCompleted, DetectionFailed
from schemas.envelope import Event
from schemas.fact import Fact
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from schemas.worker import WorkerBeat

Headers = list[tuple[str, bytes]]
# Anybody may have written it, and it goes into our own headers and logs.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
DetectionOutcome = DetectionCompleted | DetectionFailed

# A reader of this release knows these majors; a later one stops the partition instead of guessing.
KNOWN_MAJOR = 1
# Below the topics' max.message.bytes (1 MiB), so that headers and framing fit and the broker never refuses a batch.
MAX_VALUE_BYTES = 900_000

SHAPES: dict[str, TypeAdapter[Any]] = {
    "images": TypeAdapter(ImageImported),
    "requests": TypeAdapter(ProcessingRequested),
    "detections": TypeAdapter(Annotated[DetectionOutcome, Field(discriminator="type")]),
    "facts": TypeAdapter(Annotated[Fact, Field(discriminator="type")]),
    "control": TypeAdapter(Control),
    "workers": TypeAdapter(WorkerBeat),
    "alerts": TypeAdapter(Alert),
}


class UnreadableEvent(ValueError):
    """The value is not an event of its topic, whatever release reads it: it belongs to the dead letters."""


class UnknownMajorVersion(ValueError):
    """A newer writer than this reader: upgrade the readers first; nothing is skipped meanwhile."""


class EventTooLarge(ValueError):
    """The event would not fit into a message."""


class _Head(BaseModel):
    version: str = "1.0"


def decode(topic: str, value: bytes | None) -> Any:
    """The event in `value`, read by the shape of `topic` (a key of SHAPES, without prefix).

    Raises UnreadableEvent if it can never be read, UnknownMajorVersion if only a newer release can.
    """
    if value is None:
        raise UnreadableEvent("the value is null")
    if len(value) > MAX_VALUE_BYTES:
        raise UnreadableEvent(f"the value has {len(value)} bytes, more than the {MAX_VALUE_BYTES} of any event")
    try:
        event: Event = SHAPES[topic].validator.validate_json(value, strict=True)
    except ValidationError as error:
        _refuse_newer(value)
        raise UnreadableEvent(_first_errors(error)) from None
    if event.major > KNOWN_MAJOR:
        raise UnknownMajorVersion(f"{event.type} has version {event.version}; this release reads {KNOWN_MAJOR}.x")
    return event


def encode(event: Event) -> bytes:
    """The JSON value of `event`, UTF-8. Raises EventTooLarge beyond MAX_VALUE_BYTES."""
    value = to_json(event, exclude_none=True)
    if len(value) > MAX_VALUE_BYTES:
        raise EventTooLarge(f"{event.type} {event.id} has {len(value)} bytes; the limit is {MAX_VALUE_BYTES}")
    return value


def headers(event: Event, trace: str | None = None) -> Headers:
    """CloudEvents attributes and a `traceparent` that continues `trace` (the traceparent of the cause), if given."""
    found = [
        ("ce_specversion", b"1.0"),
        ("ce_type", f"thumper.{event.type}.v{event.major}".encode()),
        ("ce_id", (event.id or "").encode()),
        ("ce_source", (event.source or "thumper").encode()),
        ("content-type", b"application/json"),
        ("traceparent", traceparent(event, trace).encode()),
    ]
    if event.time is not None:
        found.append(("ce_time", _iso(event.time, event.time.tzinfo)))
    return found


@lru_cache(maxsize=8)
def _iso(time: datetime, _: tzinfo | None) -> bytes:
    # The outcomes of a batch share their time. Equal times of different zones do not share their text.
    return time.isoformat().encode()


def traceparent(event: Event, cause: str | None = None) -> str:
    """W3C traceparent of `event`, derived from its key and id: a repeat has the same; keeps the cause's trace id."""
    span = hashlib.sha256(f"{event.type}|{event.id}".encode()).hexdigest()[:16]
    if cause is not None and _TRACEPARENT.fullmatch(cause):
        return f"00-{cause[3:35]}-{span}-01"
    return f"00-{hashlib.sha256(event.key().encode()).hexdigest()[:32]}-{span}-01"


def _refuse_newer(value: bytes) -> None:
    try:
        version = _Head.model_validate_json(value).version
    except ValidationError:
        return
    major = version.split(".")[0]
    if major.isdigit() and int(major) > KNOWN_MAJOR:
        raise UnknownMajorVersion(f"version {version}; this release reads {KNOWN_MAJOR}.x")


def _first_errors(error: ValidationError) -> str:
    found = [f"{'.'.join(str(part) for part in item['loc']) or 'value'}: {item['msg']}" for item in error.errors()[:3]]
    return "; ".join(found)[:1_000]
