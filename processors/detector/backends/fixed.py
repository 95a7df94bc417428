"""A detector of known latency whose boxes follow from some of the pixels: for benches and tests of everything else."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from processors.detector.frame import Canvas, Frame
from processors.detector.model import ModelDescription
from schemas.detection import Box, ModelRef, Runtime
from thumper.clock import Clock, SystemClock

CLASSES = ("animal",)
# Of the pixels, each 8th of each 8th row is looked at: enough to tell pictures apart, and next to no time.
STEP_PX = 8


def description(input_px: int = 640) -> ModelDescription:
    """The description of a model that looks at nothing."""
    return ModelDescription(
        weights=Path("fixed"), name="fixed", weights_sha256="0" * 64, classes=CLASSES, input_px=input_px
    )


class FixedDetector:
    """See Detector. Takes `latency_s` for each batch; same pixels, same boxes."""

    def __init__(self, latency_s: float = 0.0, parallel: int = 1, clock: Clock | None = None) -> None:
        self._latency_s = latency_s
        self._clock = clock or SystemClock()
        self.model: ModelRef = description().ref
        self.canvas = Canvas(640)
        self.runtime = Runtime(backend="fixed", version="1", device="none", precision="none")
        self.parallel = parallel
        self.batch = 8

    def open(self) -> None:
        """Nothing to load."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """See Detector.detect."""
        if self._latency_s:
            self._clock.sleep(self._latency_s)
        # Pictures that were not read share one frame, which is looked at once.
        different = {id(frame): frame.pixels for frame in frames}
        found = {name: _boxes(zlib.crc32(pixels[::STEP_PX, ::STEP_PX].tobytes())) for name, pixels in different.items()}
        return [found[id(frame)] for frame in frames]

    def close(self) -> None:
        """Nothing to release."""


def _boxes(seed: int) -> list[Box]:
    """None to two boxes."""
    return [
        Box(
            class_id=0,
            class_name=CLASSES[0],
            confidence=round(0.9 - number * 0.3, 4),
            x1=(seed >> number & 0xFF) / 512,
            y1=(seed >> number + 8 & 0xFF) / 512,
            x2=0.5 + (seed >> number & 0xFF) / 512,
            y2=0.5 + (seed >> number + 8 & 0xFF) / 512,
        )
        for number in range(seed % 3)
    ]
