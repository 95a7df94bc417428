"""What becomes of a picture: its outcome as a message, a line in the log, and the figures."""

from typing import Protocol

import structlog

from processors.detector.frame import Letterbox
from processors.detector.outcome import Author, Circumstances, completed, failed
from processors.detector.slot import End, Job, milliseconds
from schemas.detection import Box, ErrorClass, Timings
from thumper.errors import PictureError
from thumper.record import Outgoing

log = structlog.get_logger("thumper.detector")


class Measures(Protocol):
    """What wants to know how it goes. Called by the pipeline's threads; must be quick and must not raise."""

    def outcome(self, error_class: ErrorClass | None, timings: Timings) -> None:
        """A picture is finished; error_class None: completed."""
        ...

    def batch(self, size: int, seconds: float) -> None:
        """A batch was inferred."""
        ...


class Unmeasured:
    """Nobody wants to know."""

    def outcome(self, error_class: ErrorClass | None, timings: Timings) -> None:
        """See Measures."""

    def batch(self, size: int, seconds: float) -> None:
        """See Measures."""


class Answers:
    """Safe for threads. display_threshold: what counts as found in the log line."""

    def __init__(self, author: Author, measures: Measures, display_threshold: float) -> None:
        self._author = author
        self._measures = measures
        self._display_threshold = display_threshold
        self._log = log.bind()  # looked up once, not for each picture

    def completed(self, job: Job, letterbox: Letterbox, boxes: list[Box], end: End) -> Outgoing:
        """The picture was looked at."""
        when = _circumstances(job, end)
        size = (letterbox.source_width, letterbox.source_height)
        outgoing = completed(self._author, job.task, size, boxes, when)
        self._log.info(
            "Detection complete",
            image_id=job.task.key,
            location=job.task.location,
            count=sum(box.confidence >= self._display_threshold for box in boxes),
            milliseconds=round(when.timings.total_ms),
        )
        self._measures.outcome(None, when.timings)
        return outgoing

    def failed(self, job: Job, error: PictureError, end: End) -> Outgoing:
        """The picture could not be looked at."""
        when = _circumstances(job, end)
        outgoing = failed(self._author, job.task, error, when)
        # A removed picture is nobody's failure: the sink ignores this answer.
        removed = error.error_class == "removed"
        (self._log.info if removed else self._log.warning)(
            "Picture was removed" if removed else "Detection failed",
            image_id=job.task.key,
            location=job.task.location,
            error_class=error.error_class,
            error=error.message,
            milliseconds=round(when.timings.total_ms),
        )
        self._measures.outcome(error.error_class, when.timings)
        return outgoing

    def batch(self, size: int, seconds: float) -> None:
        """A batch was inferred."""
        self._measures.batch(size, seconds)


def _circumstances(job: Job, end: End) -> Circumstances:
    timings = Timings(
        queue_ms=job.queue_ms,
        read_ms=job.read_ms,
        decode_ms=job.decode_ms,
        infer_ms=end.infer_ms,
        total_ms=milliseconds(end.now_s - job.taken_s),
    )
    return Circumstances(end.wall, timings, end.batch)
