"""The detector's threads: some read and decode, some infer. They answer jobs; the stage keeps the order.

give -> [todo] -> decoding threads -> buckets -> inferring threads -> job.outgoing
a picture that fails anywhere ----------------------------------^
"""

import math
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from processors.detector.answers import Answers
from processors.detector.backends.contract import Detector
from processors.detector.buckets import Buckets
from processors.detector.config import StageConfig
from processors.detector.decode import decode
from processors.detector.fit import BatchFit
from processors.detector.frame import Frame, blank
from processors.detector.hands import Hands
from processors.detector.infer import infer
from processors.detector.reading import Reading
from processors.detector.selftest import self_test
from processors.detector.slot import End, Job, milliseconds
from schemas.detection import Batch
from thumper.clock import Clock
from thumper.errors import Fatal, PictureError, Retriable, ThumperError
from thumper.logs import together
from thumper.record import Outgoing

log = structlog.get_logger("thumper.detector")

# Waits look at their condition again at least so often, so that a clock that tests push is noticed.
GLANCE_S = 0.05


class Pipeline:
    """The stage's thread calls all public methods; `detector` is open."""

    def __init__(
        self,
        detector: Detector,
        reading: Reading,
        answers: Answers,
        config: StageConfig,
        clock: Clock,
        hands: Hands | None = None,
    ) -> None:
        self._detector = detector
        self._hands = hands or Hands()
        self._reading = reading
        self._answers = answers
        self._config = config
        self._clock = clock
        self._blank = blank(detector.canvas)
        policy = config.policy(detector.batch)
        self._fit = BatchFit(policy.max_items)
        self._todo: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._finished = threading.Condition(lock)
        # All below is guarded by the lock.
        self._lock = lock
        self._buckets: Buckets[tuple[Job, Frame]] = Buckets(policy)
        self._busy: dict[int, tuple[str, float]] = {}
        self._trouble: ThumperError | None = None
        self._coming = 0
        self._stopping = False
        self._batches = 0
        self._run_name = f"{config.worker[:150]}-{clock.wall():%Y%m%dT%H%M%S}"
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads. They are daemons: one that hangs must not keep the process from ending."""
        for number in range(self._config.threads() if self._config.read else 0):
            self._threads.append(threading.Thread(target=self._decode_all, name=f"decode-{number}", daemon=True))
        for number in range(self._detector.parallel):
            self._threads.append(threading.Thread(target=self._infer_all, name=f"infer-{number}", daemon=True))
        for thread in self._threads:
            thread.start()

    def give(self, job: Job) -> None:
        """Take a job."""
        if self._config.read:
            with self._lock:
                self._coming += 1
            self._todo.put(job)
        else:
            self._queue(job, self._blank)

    def trouble(self, now_s: float) -> ThumperError | None:
        """What keeps the pipeline from going on, if anything does: Retriable or Fatal."""
        with self._lock:
            if self._trouble is not None:
                return self._trouble
            limit_s = self._config.hang_limit_s
            stuck = [what for what, since_s in self._busy.values() if now_s - since_s > limit_s]
        return Fatal(f"{stuck[0]} takes longer than {limit_s:.0f} s: the process must start again") if stuck else None

    def finish(self, job: Job, outgoing: Outgoing) -> None:
        """A job that was answered elsewhere. For any thread."""
        self._answer([(job, outgoing)])

    def fail(self, job: Job, error: ThumperError) -> None:
        """What is no fault of a picture reaches the stage by `trouble`, unless nobody waits for the picture."""
        with self._lock:
            if not job.void or isinstance(error, Fatal):
                self._trouble = self._trouble or error
            self._finished.notify_all()

    def wait(self, timeout_s: float, ended: Callable[[], bool]) -> None:
        """Until `ended`, or until something is in the way; at most `timeout_s`, and not long in any case."""
        with self._lock:
            self._finished.wait_for(lambda: ended() or self._trouble is not None, min(timeout_s, GLANCE_S))

    def clear(self) -> None:
        """Forget what waits; its jobs are void. What is being worked on is finished into the void."""
        with self._lock:
            self._buckets.clear()
            if isinstance(self._trouble, Retriable):
                self._trouble = None

    def stop(self, timeout_s: float) -> bool:
        """End the threads. False if one did not end in time."""
        with self._lock:
            self._stopping = True
            self._work.notify_all()
        for _ in self._threads:
            self._todo.put(None)
        end_s = self._clock.now_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end_s - self._clock.now_s()))
        return not any(thread.is_alive() for thread in self._threads)

    # Decoding threads.

    def _decode_all(self) -> None:
        while (job := self._todo.get()) is not None and not self._stopping:
            if not job.void:
                with self._guarded(job), self._watched(f"reading or decoding {job.task.uri}", [job]):
                    self._prepare(job)
            self._arrived()

    def _prepare(self, job: Job) -> None:
        start_s = self._clock.now_s()
        try:
            data = self._reading.fetch(job.task)
            read_s = self._clock.now_s()
            job.read_ms = milliseconds(read_s - start_s)
            frame = decode(data, self._detector.canvas)
        except PictureError as error:
            end = End(self._clock.wall(), self._clock.now_s())
            self._answer([(job, self._answers.failed(job, error, end))])
            return
        job.decode_ms = milliseconds(self._clock.now_s() - read_s)
        self._queue(job, frame)

    def _queue(self, job: Job, frame: Frame) -> None:
        with self._lock:
            if not job.void and self._buckets.add(frame.bucket, (job, frame), self._clock.now_s()):
                self._work.notify()

    def _arrived(self) -> None:
        with self._lock:
            self._coming -= 1
            if not self._coming:
                self._work.notify()

    # Inferring threads.

    def _infer_all(self) -> None:
        while (batch := self._next_batch()) is not None:
            if batch:
                jobs = [job for job, _ in batch]
                with self._guarded(jobs[0]), self._watched(f"inferring a batch of {len(batch)}", jobs):
                    self._infer(batch)

    def _next_batch(self) -> list[tuple[Job, Frame]] | None:
        """The next batch, without what has become void; None at the end. Blocks."""
        with self._lock:
            while not self._stopping:
                now_s = self._clock.now_s()
                wait_s = self._wait_s(now_s)
                if wait_s <= 0.0:
                    batch = self._buckets.take(now_s)
                    if len(self._buckets):
                        self._work.notify()
                    return [(job, frame) for job, frame in batch if not job.void]
                self._work.wait(None if math.isinf(wait_s) else min(wait_s, GLANCE_S))
        return None

    def _wait_s(self, now_s: float) -> float:
        """Seconds until there is a batch. Nothing waits for company when nothing else is being decoded."""
        if self._config.read and not self._coming and len(self._buckets):
            return 0.0
        return self._buckets.wait_s(now_s)

    def _infer(self, batch: list[tuple[Job, Frame]]) -> None:
        start_s = self._clock.now_s()
        found = infer(self._detector, [frame for _, frame in batch], self._fit)
        took_s = self._clock.now_s() - start_s
        if any(isinstance(one, PictureError) for one in found):
            # Where the device fails on any picture, it is no picture's fault.
            self_test(self._detector)
        end = self._end(len(batch), took_s)
        answered: list[tuple[Job, Outgoing]] = []
        with together():
            for (job, frame), one in zip(batch, found, strict=True):
                if isinstance(one, PictureError):
                    answered.append((job, self._answers.failed(job, one, end)))
                else:
                    answered.append((job, self._answers.completed(job, frame.letterbox, one, end)))
        self._answer(answered)

    def _end(self, size: int, took_s: float) -> End:
        self._answers.batch(size, took_s)
        with self._lock:
            self._batches += 1
            batch = Batch(id=f"{self._run_name}-{self._batches}", size=size)
        return End(self._clock.wall(), self._clock.now_s(), batch, milliseconds(took_s / size))

    # All threads.

    def _answer(self, answered: Sequence[tuple[Job, Outgoing]]) -> None:
        with self._lock:
            for job, outgoing in answered:
                job.outgoing = outgoing
            self._finished.notify_all()

    @contextmanager
    def _watched(self, what: str, jobs: Sequence[Job]) -> Iterator[None]:
        """While this lasts, `trouble` knows since when, and the next process of this name which, if this one dies."""
        thread = threading.get_ident()
        with self._lock:
            self._busy[thread] = (what, self._clock.now_s())
        try:
            with self._hands.holding([job.record for job in jobs]):
                yield
        finally:
            with self._lock:
                del self._busy[thread]

    @contextmanager
    def _guarded(self, job: Job) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            trouble = error if isinstance(error, ThumperError) else Fatal(f"a fault of the detector: {error!r}")
            if not isinstance(error, ThumperError):
                log.exception("a fault of the detector")
            self.fail(job, trouble)
