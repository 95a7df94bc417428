"""The seam between the stage and what computes boxes."""

from collections.abc import Sequence
from typing import Protocol

from processors.detector.frame import Canvas, Frame
from schemas.detection import Box, ModelRef, Runtime


class OutOfMemory(Exception):
    """The device has no room for a batch of this size. Nothing of it was done, and the detector can go on."""


class Detector(Protocol):
    """Frames to boxes. The stage calls open once, then detect from up to `parallel` threads at once, then close."""

    @property
    def model(self) -> ModelRef:
        """Which model. Known before open."""
        ...

    @property
    def canvas(self) -> Canvas:
        """What frames must look like. Known after open."""
        ...

    @property
    def runtime(self) -> Runtime:
        """What computes. Known after open."""
        ...

    @property
    def parallel(self) -> int:
        """How many batches at once make use of the device, at least 1. Known after open."""
        ...

    @property
    def batch(self) -> int:
        """How many frames in one batch make best use of the device, at least 1. Known after open."""
        ...

    def open(self) -> None:
        """Load the weights and warm up. May block for seconds. Raises ModelError, which says what to do."""
        ...

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """The boxes of each frame, in the frames' order, most confident first, at or above the storing threshold.

        frames: at least one, all of one bucket. Corners are relative to the upright source picture. Blocks.
        Raises OutOfMemory; Fatal if the device is lost; any other error is a fault of one or more of the frames.
        """
        ...

    def close(self) -> None:
        """Release the device. No detect may be running."""
        ...
