"""Pictures that were in hand when a detector ended uncleanly: each is looked at alone, and the line goes on."""

import queue
import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from processors.detector.alone import Seen
from processors.detector.answers import Answers
from processors.detector.reading import Reading
from processors.detector.slot import End, Job, milliseconds
from thumper.clock import Clock
from thumper.errors import Fatal, PictureError, ThumperError
from thumper.record import Outgoing

log = structlog.get_logger("thumper.detector")
# A child holds a model of its own: it is let go when no suspect has come for so long.
IDLE_S = 5.0


class Looker(Protocol):
    """Looks at one picture where it can do no harm (processors.detector.alone.Alone)."""

    def look(self, data: bytes) -> Seen:
        """Blocks. Raises PictureError."""
        ...

    def close(self) -> None:
        """Let go of what it holds; it may be used again."""
        ...


class Suspects:
    """A thread of its own, started by the first suspect. finish, fail: told from that thread, once for each job."""

    def __init__(
        self,
        looker: Looker,
        reading: Reading,
        clock: Clock,
        finish: Callable[[Job, Outgoing], None],
        fail: Callable[[Job, ThumperError], None],
    ) -> None:
        self._looker = looker
        self._reading = reading
        self._clock = clock
        self._finish = finish
        self._fail = fail
        self._todo: queue.SimpleQueue[tuple[Job, Answers] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def give(self, job: Job, answers: Answers) -> None:
        """Take a job."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="suspects", daemon=True)
            self._thread.start()
        self._todo.put((job, answers))

    def stop(self, timeout_s: float) -> None:
        """End; a picture that is being looked at is left."""
        if self._thread is not None:
            self._todo.put(None)
            self._thread.join(timeout_s)
        self._looker.close()

    def _run(self) -> None:
        while True:
            try:
                given = self._todo.get(timeout=IDLE_S)
            except queue.Empty:
                self._looker.close()
                continue
            if given is None:
                return
            job, answers = given
            if not job.void:
                try:
                    self._finish(job, self._answer(job, answers))
                except ThumperError as error:
                    self._fail(job, error)
                except Exception as error:  # a fault of ours must not leave the job without an answer
                    log.exception("a fault of the detector")
                    self._fail(job, Fatal(f"a fault of the detector: {error!r}"))

    def _answer(self, job: Job, answers: Answers) -> Outgoing:
        start_s = self._clock.now_s()
        log.warning("looking at a picture alone, since it was in hand when a detector ended", image_id=job.task.key)
        try:
            data = self._reading.fetch(job.task)
            job.read_ms = milliseconds(self._clock.now_s() - start_s)
            seen = self._looker.look(data)
        except PictureError as error:
            return answers.failed(job, error, End(self._clock.wall(), self._clock.now_s()))
        now_s = self._clock.now_s()
        end = End(self._clock.wall(), now_s, infer_ms=milliseconds(max(0.0, now_s - start_s - job.read_ms / 1_000)))
        return answers.completed(job, seen.letterbox, seen.boxes, end)
