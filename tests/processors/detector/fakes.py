"""A store made of a dictionary, a detector that a test can hold up, and the stage on top of them."""

from collections.abc import Callable, Sequence
from threading import Event

from processors.detector.backends.fixed import FixedDetector
from processors.detector.config import StageConfig
from processors.detector.frame import Frame
from processors.detector.reading import Reader
from processors.detector.stage import DetectorStage
from schemas.detection import Box, ErrorClass, Timings
from tests.processors.detector.pictures import uri
from thumper.clock import Clock, SystemClock
from thumper.errors import PictureError


class Pictures:
    """A reader of what was put into it. fail: raised instead, by address."""

    def __init__(self, *data: bytes) -> None:
        self.files = {uri(one): one for one in data}
        self.fail: dict[str, Exception] = {}
        self.reads: list[str] = []

    def __call__(self, address: str, size_bytes: int | None) -> bytes:
        self.reads.append(address)
        if address in self.fail:
            raise self.fail[address]
        if address not in self.files:
            raise PictureError("missing", f"no picture at {address}")
        return self.files[address]


class Held(FixedDetector):
    """Waits before each batch until the test lets it go; `mood` may raise."""

    def __init__(self, parallel: int = 1) -> None:
        super().__init__(parallel=parallel)
        self.go = Event()
        self.go.set()
        self.entered = Event()
        self.closed = False
        self.sizes: list[int] = []
        self.mood: Callable[[Sequence[Frame]], None] = lambda _: None

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        self.sizes.append(len(frames))
        self.entered.set()
        assert self.go.wait(30)
        self.mood(frames)
        return super().detect(frames)

    def close(self) -> None:
        self.closed = True


class Counts:
    """Measures that are kept."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[ErrorClass | None, Timings]] = []
        self.batches: list[int] = []

    def outcome(self, error_class: ErrorClass | None, timings: Timings) -> None:
        self.outcomes.append((error_class, timings))

    def batch(self, size: int, seconds: float) -> None:
        self.batches.append(size)


def config(
    most: int = 4, wait_s: float = 0.01, room: int = 40, *, read: bool = True, hang_limit_s: float = 120.0
) -> StageConfig:
    return StageConfig(
        group="detector",
        worker="w1",
        batch_size=most,
        batch_wait_s=wait_s,
        decode_threads=2,
        max_in_flight=room,
        read=read,
        hang_limit_s=hang_limit_s,
    )


def stage_of(
    detector: FixedDetector, reader: Reader, told: StageConfig | None = None, clock: Clock | None = None
) -> DetectorStage:
    """An opened stage."""
    stage = DetectorStage(detector, reader, told or config(), clock or SystemClock())
    stage.open()
    return stage
