"""What becomes of a picture: its outcome as a message, a line in the log, and the figures."""

from typing import Protocol

import structlog

from processors.detector.frame import Frame
from processors.detector.outcome import Author, Circumstances, completed, failed
from processors.detector.slot import Job
from schemas.detection import Batch, Box, ErrorClass, Timings
from thumper.clock import Clock
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

    def __init__(self, author: Author, clock: Clock, measures: Measures, display_threshold: float) -> None:
        self._author = author
        self._clock = clock
        self._measures = measures
        self._display_threshold = display_threshold

    def completed(self, job: Job, frame: Frame, boxes: list[Box], batch: Batch, infer_ms: float) -> Outgoing:
        """The picture was looked at."""
        when = self._circumstances(job, batch, infer_ms)
        size = (frame.letterbox.source_width, frame.letterbox.source_height)
        outgoing = completed(self._author, job.task, size, boxes, when)
        log.info(
            "Detection complete",
            image_id=str(job.task.image_id),
            location=job.task.location,
            count=sum(box.confidence >= self._display_threshold for box in boxes),
            milliseconds=round(when.timings.total_ms),
        )
        self._measures.outcome(None, when.timings)
        return outgoing

    def failed(self, job: Job, error: PictureError, batch: Batch | None = None, infer_ms: float = 0.0) -> Outgoing:
        """The picture could not be looked at."""
        when = self._circumstances(job, batch, infer_ms)
        outgoing = failed(self._author, job.task, error, when)
        log.warning(
            "Detection failed",
            image_id=str(job.task.image_id),
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

    def _circumstances(self, job: Job, batch: Batch | None, infer_ms: float) -> Circumstances:
        timings = Timings(
            queue_ms=round(job.queue_ms, 1),
            read_ms=round(job.read_ms, 1),
            decode_ms=round(job.decode_ms, 1),
            infer_ms=round(infer_ms, 1),
            total_ms=round((self._clock.now_s() - job.taken_s) * 1_000, 1),
        )
        return Circumstances(self._clock.wall(), timings, batch)
