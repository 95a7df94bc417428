"""Pictures that show a number, and a backend that reads it: what it finds follows from the picture alone.

So the harness knows the right answer for every picture, and an outcome that belongs to another one is seen.
"""

import hashlib
import io
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.fixed import description
from processors.detector.frame import Canvas, Frame, Pixels
from schemas.detection import Box, ModelRef, Runtime
from thumper.clock import Clock, SystemClock

SIDE = 8
BLOCK_PX = 8
SIDE_PX = SIDE * BLOCK_PX
# One picture in so many cannot be decoded, and must become a failed outcome.
DAMAGED_EVERY = 50
CUT_BYTES = 40


class Answer(NamedTuple):
    """What is right for a picture: "completed" with boxes (confidence, x1, y1, x2, y2), or "failed"."""

    state: str
    boxes: tuple[tuple[float, ...], ...] = ()


def is_damaged(number: int) -> bool:
    """Whether the picture of this number is cut short."""
    return number % DAMAGED_EVERY == 7


def picture(number: int) -> bytes:
    """A PNG of 64 black and white squares: 32 bits of `number`, 32 bits that prove them."""
    code = number << 32 | zlib.crc32(number.to_bytes(4, "big"))
    squares = np.array([code >> bit & 1 for bit in range(SIDE * SIDE)], dtype=np.uint8).reshape(SIDE, SIDE) * 255
    out = io.BytesIO()
    Image.fromarray(squares.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)).save(out, "PNG")
    data = out.getvalue()
    return data[:-CUT_BYTES] if is_damaged(number) else data


def number_in(pixels: Pixels) -> int | None:
    """The number that (SIDE_PX, SIDE_PX, 3) uint8 show; None if they show none."""
    if pixels.shape[:2] != (SIDE_PX, SIDE_PX):
        return None
    squares = (pixels[BLOCK_PX // 2 :: BLOCK_PX, BLOCK_PX // 2 :: BLOCK_PX, 0] > 127).ravel()
    code = sum(1 << bit for bit, white in enumerate(squares) if white)
    number = code >> 32
    return number if code & 0xFFFF_FFFF == zlib.crc32(number.to_bytes(4, "big")) else None


@cache
def answer(number: int) -> Answer:
    """What a detector must say of picture `number`. All figures are exact as 32-bit floats."""
    if is_damaged(number):
        return Answer("failed")
    seed = hashlib.sha256(number.to_bytes(4, "big")).digest()
    boxes = tuple(
        ((60 - 16 * n) / 64, seed[4 * n] / 512, seed[4 * n + 1] / 512, 0.5 + seed[4 * n + 2] / 512, 0.75)
        for n in range(seed[-1] % 3)
    )
    return Answer("completed", boxes)


class StubDetector:
    """See Detector. Takes `latency_s` for each batch.

    While the file `memory` is there, it has room for so many pictures at once as it says.
    """

    def __init__(self, latency_s: float, memory: Path, clock: Clock | None = None) -> None:
        self._latency_s = latency_s
        self.memory = memory
        self._clock = clock or SystemClock()
        self.model: ModelRef = description().ref
        self.canvas = Canvas(SIDE_PX)
        self.runtime = Runtime(backend="stub", version="1", device="none", precision="none")
        self.parallel = 1
        self.batch = 8

    def open(self) -> None:
        """Nothing to load."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """See Detector.detect."""
        if len(frames) > self._room():
            raise OutOfMemory(f"no room for {len(frames)}")
        if self._latency_s:
            self._clock.sleep(self._latency_s)
        return [_found(number_in(frame.pixels)) for frame in frames]

    def close(self) -> None:
        """Nothing to release."""

    def _room(self) -> int:
        try:
            return int(self.memory.read_text("ascii") or "1")
        except FileNotFoundError:
            return 1_000_000


def _found(number: int | None) -> list[Box]:
    if number is None:
        return [Box(class_id=1, class_name="unread", confidence=1.0, x1=0, y1=0, x2=1, y2=1)]
    return [
        Box(class_id=0, class_name="animal", confidence=sure, x1=x1, y1=y1, x2=x2, y2=y2)
        for sure, x1, y1, x2, y2 in answer(number).boxes
    ]
