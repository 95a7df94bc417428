"""Smooth shapes in an animal's own units, painted on a transparent layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]
Floats = NDArray[np.float64]

# Reach of the largest animal around its own origin, in units: left, right, up, down.
_LEFT, _RIGHT, _UP, _DOWN = 1.25, 1.3, 1.95, 0.15
# Polygons have hard edges, so they are drawn at this multiple and reduced.
_OVERSAMPLING = 2


@dataclass(frozen=True)
class Stance:
    """How an animal stands: flip (-1 looks to the left), turn (1 side view, less is foreshortened), tilt in radians."""

    flip: int = 1
    turn: float = 1.0
    tilt: float = 0.0


@dataclass(frozen=True)
class Sprite:
    """A drawn animal: RGBA layer cropped to its pixels, and where its eyes are in it (pixels)."""

    image: Image.Image
    eyes: tuple[Point, ...]


class Brush:
    """Draws with x to the animal's front and y up from the ground; `unit_px` pixels are one unit."""

    def __init__(self, unit_px: float, stance: Stance) -> None:
        self._scale = unit_px * _OVERSAMPLING
        self._stance = stance
        width, height = (round(span * self._scale) for span in (_LEFT + _RIGHT, _UP + _DOWN))
        self._image = Image.new("RGBA", (width, height))
        self._draw = ImageDraw.Draw(self._image)
        self._eyes: list[Point] = []

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill the smooth closed curve through `points`."""
        self._fill(_closed_curve(np.asarray(points, dtype=np.float64)), colour)

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill the polygon with straight sides through `points`."""
        self._fill(np.asarray(points, dtype=np.float64), colour)

    def limb(self, points: Sequence[Point], widths: Sequence[float], colour: Colour) -> None:
        """Stroke through `points` whose width runs through `widths`, with round ends."""
        line = _open_curve(np.asarray(points, dtype=np.float64))
        width = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths)
        along = np.gradient(line, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal *= (width / 2 / np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-9))[:, None]
        self._fill(np.concatenate([line + normal, (line - normal)[::-1]]), colour)
        for end, diameter in ((line[0], width[0]), (line[-1], width[-1])):
            self.spot((end[0], end[1]), (diameter / 2, diameter / 2), colour)

    def spot(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fill an ellipse with `radii` along and across the animal."""
        self._fill(_ellipse(centre, radii), colour)

    def eye(self, centre: Point, radius: float) -> None:
        """A dark eye with a point of light; remembered, because at night it shines."""
        self.spot(centre, (radius, radius), (22, 16, 12))
        self.spot((centre[0] + radius * 0.3, centre[1] + radius * 0.3), (radius * 0.35, radius * 0.35), (235, 235, 230))
        x, y = self._pixels(np.asarray([centre], dtype=np.float64))[0]
        self._eyes.append((float(x), float(y)))

    def patches(self, within: Sequence[Point], centres: Sequence[tuple[Point, Point]], colour: Colour) -> None:
        """Ellipses (centre, radii) in `colour`, cut off at the smooth closed curve through `within`."""
        outline = _closed_curve(np.asarray(within, dtype=np.float64))
        corner = np.floor(self._pixels(outline).min(axis=0)).astype(int)
        size = np.ceil(self._pixels(outline).max(axis=0)).astype(int) - corner + 1
        region, marks = (Image.new("L", (int(size[0]), int(size[1]))) for _ in range(2))
        ImageDraw.Draw(region).polygon(_pairs(self._pixels(outline) - corner), fill=255)
        for centre, radii in centres:
            ImageDraw.Draw(marks).polygon(_pairs(self._pixels(_ellipse(centre, radii)) - corner), fill=255)
        self._image.paste((*colour, 255), (int(corner[0]), int(corner[1])), ImageChops.darker(region, marks))

    def lift(self) -> Sprite:
        """The layer at its final size, cropped to what was drawn."""
        box = self._image.getbbox() or (0, 0, _OVERSAMPLING, _OVERSAMPLING)
        left, top = (edge // _OVERSAMPLING for edge in box[:2])
        small = self._image.crop((left * _OVERSAMPLING, top * _OVERSAMPLING, *box[2:])).reduce(_OVERSAMPLING)
        eyes = tuple((x / _OVERSAMPLING - left, y / _OVERSAMPLING - top) for x, y in self._eyes)
        return Sprite(small, eyes)

    def _fill(self, points: Floats, colour: Colour) -> None:
        self._draw.polygon(_pairs(self._pixels(points)), fill=(*colour, 255))

    def _pixels(self, points: Floats) -> Floats:
        cos, sin = np.cos(self._stance.tilt), np.sin(self._stance.tilt)
        x = (points[:, 0] * cos - points[:, 1] * sin) * self._stance.turn * self._stance.flip
        y = points[:, 0] * sin + points[:, 1] * cos
        left = _LEFT if self._stance.flip > 0 else _RIGHT
        return np.stack([(x + left) * self._scale, (_UP - y) * self._scale], axis=1)


def _pairs(points: Floats) -> list[Point]:
    return [(x, y) for x, y in points.tolist()]


def _ellipse(centre: Point, radii: Point) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    return np.stack([centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1)


def _spline(before: Floats, start: Floats, end: Floats, after: Floats, steps: int = 7) -> Floats:
    """Catmull-Rom pieces, all at once: (n, 2) control points in, (n * steps, 2) out."""
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (point[:, None, :] for point in (before, start, end, after))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2), dtype=np.float64)


def _closed_curve(points: Floats) -> Floats:
    return _spline(np.roll(points, 1, 0), points, np.roll(points, -1, 0), np.roll(points, -2, 0))


def _open_curve(points: Floats) -> Floats:
    padded = np.concatenate([points[:1], points, points[-1:]])
    return np.concatenate([_spline(padded[:-3], padded[1:-2], padded[2:-1], padded[3:]), points[-1:]])
