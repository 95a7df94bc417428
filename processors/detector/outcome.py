"""Outcomes as messages: boxes or an error, with all that says where they come from. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from processors.detector.task import Task
from schemas.codec import EventTooLarge, encode, headers
from schemas.detection import (
    MAX_BOXES,
    Batch,
    Box,
    DetectionCompleted,
    DetectionFailed,
    ModelRef,
    Outcome,
    Runtime,
    Timings,
)
from schemas.envelope import derived_name
from thumper.errors import PictureError
from thumper.record import Outgoing

TOPIC = "detections"
SOURCE = "thumper.detector"
MOST_WORDS = 1_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who answers: the same in every outcome of a worker."""

    group: str
    worker: str
    model: ModelRef
    runtime: Runtime


class Circumstances(NamedTuple):
    """When an outcome was made, how long it took, and in which batch."""

    finished_at: datetime
    timings: Timings
    batch: Batch | None = None


def completed(author: Author, task: Task, size: tuple[int, int], boxes: list[Box], when: Circumstances) -> Outgoing:
    """The outcome with `boxes`, most confident first. size: width and height of the upright picture in pixels.

    Where the event would be too large, the least confident boxes are left out and counted in boxes_dropped.
    """
    kept = min(len(boxes), MAX_BOXES)
    while True:
        event = DetectionCompleted(
            type="detection.completed",
            width_px=size[0],
            height_px=size[1],
            boxes=tuple(boxes[:kept]),
            boxes_dropped=len(boxes) - kept,
            **_shared(author, task, when),
        )
        try:
            return _outgoing(event, task)
        except EventTooLarge:
            if kept == 0:
                raise
            kept = kept * 3 // 4


def failed(author: Author, task: Task, error: PictureError, when: Circumstances) -> Outgoing:
    """The outcome that says why the picture could not be looked at."""
    event = DetectionFailed(
        type="detection.failed",
        error_class=error.error_class,
        error_message=_clean(error.message)[:MOST_WORDS],
        **_shared(author, task, when),
    )
    return _outgoing(event, task)


def _shared(author: Author, task: Task, when: Circumstances) -> dict[str, Any]:
    origin = task.origin
    # The same event, looked at by the same model for the same group, has the same id however often it is repeated.
    event_id = derived_name(author.group, author.model.id, origin["topic"], origin["partition"], origin["offset"])
    return {
        "id": event_id,
        "time": when.finished_at,
        "source": SOURCE,
        "image_id": task.image_id,
        "group": author.group,
        "model": author.model,
        "origin": origin,
        "worker": author.worker,
        "runtime": author.runtime,
        "timings": when.timings,
        "batch": when.batch,
        "finished_at": when.finished_at,
    }


def _outgoing(event: Outcome, task: Task) -> Outgoing:
    return Outgoing(TOPIC, task.key.encode(), encode(event), headers(event, task.trace))


def _clean(text: str) -> str:
    """Printable, and encodable: names of files may hold anything."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
