"""The few fields of events that the audit compares, read without building the rest: a quarter of a full reading. Pure.

What is refused here, every reader refuses; what passes here may still be refused by a full reading (schemas.codec),
which the audit asks where it matters: where an event has left nothing behind.
"""

import re
from typing import Any, Literal, NotRequired
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from schemas.image import image_id

# The spelling that the tables use, and nearly every event.
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_IGNORING = ConfigDict(extra="ignore")


class Origin(TypedDict):
    """Which event an outcome answers."""

    __pydantic_config__ = _IGNORING  # type: ignore[misc]
    topic: Literal["images", "requests"]
    partition: int
    offset: int
    timestamp_ms: NotRequired[int]


class _Model(TypedDict):
    __pydantic_config__ = _IGNORING  # type: ignore[misc]
    id: str


class _Box(TypedDict):
    """Boxes are only counted."""

    __pydantic_config__ = _IGNORING  # type: ignore[misc]


class Outcome(TypedDict):
    """An event of `detections`."""

    __pydantic_config__ = _IGNORING  # type: ignore[misc]
    type: Literal["detection.completed", "detection.failed"]
    image_id: str
    group: str
    worker: str
    model: _Model
    origin: Origin
    finished_at: NotRequired[Any]
    error_class: NotRequired[str | None]
    boxes: NotRequired[list[_Box]]


class Announcement(TypedDict):
    """An event of `images`."""

    __pydantic_config__ = _IGNORING  # type: ignore[misc]
    sha256: str
    uri: str
    image_id: NotRequired[str | None]


_OUTCOME = TypeAdapter(Outcome).validator.validate_json
_ANNOUNCEMENT = TypeAdapter(Announcement).validator.validate_json


def read_outcome(value: bytes | None) -> Outcome | None:
    """The outcome in `value`; None if nobody can read it."""
    try:
        found: Outcome = _OUTCOME(value or b"", strict=True)
    except ValidationError:
        return None
    return found


def read_announcement(value: bytes | None) -> Announcement | None:
    """The announced picture in `value`; None if nobody can read it."""
    try:
        found: Announcement = _ANNOUNCEMENT(value or b"", strict=True)
    except ValidationError:
        return None
    return found


def picture_of(event: Announcement) -> str | None:
    """The picture's id in the tables' spelling; None if what the event gives is no id."""
    given = event.get("image_id")
    return str(image_id(event["sha256"])) if given is None else canonical(given)


def canonical(uuid: str) -> str | None:
    """A UUID in the spelling of the tables, whatever it was written like; None if it is none."""
    if _CANONICAL.fullmatch(uuid):
        return uuid
    try:
        return str(UUID(uuid))
    except ValueError:
        return None
