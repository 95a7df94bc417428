"""What is measured of the detector: by its Measures, and at the two seams where tries fail and are tried again."""

from collections.abc import Sequence

from processors.detector.backends.contract import Detector, OutOfMemory
from processors.detector.frame import Canvas, Frame
from processors.detector.reading import Reader
from schemas.detection import Box, ErrorClass, ModelRef, Runtime, Timings
from thumper.errors import PictureError, StoreDown
from thumper.metering import Board, Value
from thumper.metrics import (
    BATCH_SIZE,
    BATCHES,
    DECODE_SECONDS,
    IMAGES,
    INFER_SECONDS,
    MODEL_INFO,
    OUT_OF_MEMORY,
    PICTURE_SECONDS,
    QUEUE_SECONDS,
    READ_ERRORS,
    READ_SECONDS,
)

COMPLETED = "completed"


class DetectorMeasures:
    """See Measures. One model; called by all threads of the pipeline, once a picture: under a microsecond of work."""

    def __init__(self, board: Board, model: ModelRef) -> None:
        self._board = board
        self._model = (model.name, model.id)
        self._images: dict[str, Value] = {}
        self._count_of(COMPLETED)
        board.value(MODEL_INFO, *self._model).now = 1
        self._batches = board.value(BATCHES, *self._model)
        self._sizes = board.spread(BATCH_SIZE, *self._model)
        self._queue = board.spread(QUEUE_SECONDS, *self._model)
        self._read = board.spread(READ_SECONDS, *self._model)
        self._decode = board.spread(DECODE_SECONDS, *self._model)
        self._infer = board.spread(INFER_SECONDS, *self._model)
        self._total = board.spread(PICTURE_SECONDS, *self._model)
        self._read_errors = board.value(READ_ERRORS, *self._model)
        self._refusals = board.value(OUT_OF_MEMORY, *self._model)

    def outcome(self, error_class: ErrorClass | None, timings: Timings) -> None:
        """See Measures. Of a failed picture only the steps count that it came to."""
        count = self._count_of(error_class or COMPLETED)
        with self._board.lock:
            count.now += 1
            self._queue.add(timings.queue_ms / 1_000)
            self._total.add(timings.total_ms / 1_000)
            if error_class is None or timings.read_ms:
                self._read.add(timings.read_ms / 1_000)
            if error_class is None or timings.decode_ms:
                self._decode.add(timings.decode_ms / 1_000)

    def batch(self, size: int, seconds: float) -> None:
        """See Measures."""
        with self._board.lock:
            self._batches.now += 1
            self._sizes.add(size)
            self._infer.add(seconds)

    def reader(self, reader: Reader) -> Reader:
        """The same reader; what it raises and what is tried again is counted."""

        def read(uri: str, size_bytes: int | None) -> bytes:
            try:
                return reader(uri, size_bytes)
            except (PictureError, StoreDown):
                raise
            except Exception:
                with self._board.lock:
                    self._read_errors.now += 1
                raise

        return read

    def refused(self) -> None:
        """The device had no room for a batch."""
        with self._board.lock:
            self._refusals.now += 1

    def _count_of(self, outcome: str) -> Value:
        if outcome not in self._images:
            self._images[outcome] = self._board.value(IMAGES, outcome, *self._model)
        return self._images[outcome]


class MeasuredDetector:
    """The same detector; tells `measures` when its device has no room. See Detector."""

    def __init__(self, detector: Detector, measures: DetectorMeasures) -> None:
        self._detector = detector
        self._measures = measures

    @property
    def model(self) -> ModelRef:
        """See Detector."""
        return self._detector.model

    @property
    def canvas(self) -> Canvas:
        """See Detector."""
        return self._detector.canvas

    @property
    def runtime(self) -> Runtime:
        """See Detector."""
        return self._detector.runtime

    @property
    def batch(self) -> int:
        """See Detector."""
        return self._detector.batch

    @property
    def parallel(self) -> int:
        """See Detector."""
        return self._detector.parallel

    def open(self) -> None:
        """See Detector."""
        self._detector.open()

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """See Detector."""
        try:
            return self._detector.detect(frames)
        except OutOfMemory:
            self._measures.refused()
            raise

    def close(self) -> None:
        """See Detector."""
        self._detector.close()
