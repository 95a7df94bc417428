"""The detector's view of a picture: a letterboxed canvas, and the way back from its pixels to the picture. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Corners = NDArray[np.float64]

STRIDE_PX = 32
GREY = 114
# Heads that pick the best 300 places need a canvas that has so many: a place for each 8, 16 and 32 pixel square.
LEAST_PLACES = 300
PLACES_PER_PX = 1 / 8**2 + 1 / 16**2 + 1 / 32**2


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a model takes: `input_px` on the longer side, or only `fixed` (height, width) where that is compiled in."""

    input_px: int
    fixed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture of `source_*` lies on a canvas of `width` x `height`, all in pixels, the picture upright.

    The picture fills `inner_*`, beginning at `left` and `top`; the rest is grey.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int

    def to_source(self, corners: Corners) -> Corners:
        """(n, 4) xyxy in canvas pixels to (n, 4) xyxy relative to the picture, clipped to [0, 1]."""
        return np.clip((corners - self._origin()) / self._extent(), 0.0, 1.0)

    def to_canvas(self, corners: Corners) -> Corners:
        """(n, 4) xyxy relative to the picture to (n, 4) xyxy in canvas pixels."""
        return corners * self._extent() + self._origin()

    def _origin(self) -> Corners:
        return np.array([self.left, self.top, self.left, self.top], dtype=np.float64)

    def _extent(self) -> Corners:
        return np.array([self.inner_width, self.inner_height] * 2, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture on its canvas. pixels: (height, width, 3) uint8 RGB, C-contiguous."""

    pixels: Pixels
    letterbox: Letterbox

    @property
    def bucket(self) -> tuple[int, int]:
        """(height, width): frames of one bucket can share a batch."""
        return (self.letterbox.height, self.letterbox.width)


def letterbox(source_width: int, source_height: int, canvas: Canvas) -> Letterbox:
    """Where an upright picture of this size lies on `canvas`: longer side filled, shorter side centred.

    Unless the canvas is fixed, its shorter side is the next multiple of 32 that holds the picture, so that pictures of
    one shape share a canvas and no model looks at more grey than it must.
    """
    height, width = canvas.fixed or (canvas.input_px, canvas.input_px)
    scale = min(width / source_width, height / source_height)
    inner_width = min(width, max(1, round(source_width * scale)))
    inner_height = min(height, max(1, round(source_height * scale)))
    if canvas.fixed is None:
        width, height = _shorter_sides(inner_width, inner_height, canvas.input_px)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return Letterbox(source_width, source_height, width, height, inner_width, inner_height, left, top)


def paste(inner: Pixels, box: Letterbox) -> Frame:
    """`inner`, (inner_height, inner_width, 3) uint8, on its grey canvas; not copied where it fills the canvas."""
    if inner.shape[:2] == (box.height, box.width):
        return Frame(np.ascontiguousarray(inner), box)
    pixels = np.full((box.height, box.width, 3), GREY, dtype=np.uint8)
    pixels[box.top : box.top + box.inner_height, box.left : box.left + box.inner_width] = inner
    return Frame(pixels, box)


def blank(canvas: Canvas) -> Frame:
    """A grey frame, for a detector that looks at nothing and for tests."""
    side = canvas.fixed or (canvas.input_px, canvas.input_px)
    return paste(np.full((*side, 3), GREY, dtype=np.uint8), letterbox(side[1], side[0], canvas))


def _shorter_sides(inner_width: int, inner_height: int, input_px: int) -> tuple[int, int]:
    least = min(input_px, _up(round(LEAST_PLACES / PLACES_PER_PX / input_px)))
    return max(least, _up(inner_width)), max(least, _up(inner_height))


def _up(pixels: int) -> int:
    return -(-pixels // STRIDE_PX) * STRIDE_PX
