"""Doe and buck."""

from typing import Final

import numpy as np
from numpy.random import Generator

from models.anatomy import Head, blend, coat, head_at, leg, swings
from models.brush import Brush, Colour, Point

_COATS: Final[tuple[Colour, ...]] = ((168, 122, 80), (150, 116, 86), (186, 128, 76), (138, 120, 100))
_WHITE: Final[Colour] = (232, 226, 212)
_BODY: Final[tuple[Point, ...]] = (
    (-0.45, 0.66), (-0.4, 0.84), (-0.22, 0.89), (0.05, 0.84), (0.28, 0.9), (0.42, 0.78),
    (0.4, 0.6), (0.25, 0.51), (0.0, 0.51), (-0.22, 0.57), (-0.38, 0.5),
)  # fmt: skip


def draw_doe(brush: Brush, rng: Generator) -> None:
    """A doe: slender neck, large ears, no antlers."""
    _deer(brush, rng, neck=0.13)


def draw_buck(brush: Brush, rng: Generator) -> None:
    """A buck: the doe's build with a heavier neck, and antlers of three to five tines a side."""
    head = _deer(brush, rng, neck=0.19)
    size = rng.uniform(0.85, 1.25)
    tines = int(rng.integers(3, 6))
    _antler(brush, head, size, tines, ((150, 128, 96), -0.05))
    _antler(brush, head, size, tines, ((214, 194, 156), 0.03))


def _deer(brush: Brush, rng: Generator, neck: float) -> Head:
    fur = coat(_COATS, rng)
    dark, pale = blend(fur, (40, 28, 18), 0.35), blend(fur, _WHITE, 0.6)
    head = head_at(rng, down=((0.68, 0.3), (0.14, -0.2)), up=((0.52, 1.24), (0.25, -0.06)))
    stride = swings(rng)
    leg(brush, (-0.32, 0.62), stride[0], (0.1, 0.04), dark)
    leg(brush, (0.3, 0.58), stride[1], (0.08, 0.04), dark)
    _tail(brush, rng, fur)
    brush.blob(_BODY, fur)
    brush.patches(_BODY, [((0.0, 0.5), (0.32, 0.07))], pale)
    leg(brush, (-0.38, 0.66), stride[2], (0.15, 0.045), fur)
    leg(brush, (0.34, 0.62), stride[3], (0.1, 0.045), fur)
    brush.limb([(0.28, 0.74), _point_between((0.3, 0.75), head.base, 0.6), head.base], [0.27, neck * 1.25, neck], fur)
    brush.limb([head.local(0.1, -0.07), _point_between((0.4, 0.64), head.base, 0.75)], [0.04, 0.05], pale)
    _face(brush, head, fur, dark, pale)
    return head


def _face(brush: Brush, head: Head, fur: Colour, dark: Colour, pale: Colour) -> None:
    brush.blob(
        [head.local(-0.06, 0.02), head.local(-0.16, 0.13), head.local(-0.15, 0.2), head.local(-0.02, 0.09)], dark
    )
    brush.limb([head.local(0.0, 0.0), head.local(1.0, 0.0, along=True)], [0.145, 0.07], fur)
    brush.spot(head.local(0.94, -0.01, along=True), (0.045, 0.04), pale)
    brush.spot(head.local(1.03, 0.01, along=True), (0.028, 0.026), (32, 26, 22))
    brush.blob([head.local(0.0, 0.04), head.local(-0.12, 0.15), head.local(-0.08, 0.25), head.local(0.05, 0.1)], fur)
    brush.blob([head.local(0.0, 0.07), head.local(-0.08, 0.15), head.local(-0.06, 0.2), head.local(0.03, 0.1)], pale)
    brush.eye(head.local(0.08, 0.03), 0.022)


def _tail(brush: Brush, rng: Generator, fur: Colour) -> None:
    raised = rng.random() < 0.3
    tip: Point = (-0.56, 1.0) if raised else (-0.52, 0.56)
    brush.limb([(-0.42, 0.8), (-0.5, 0.78 if raised else 0.72), tip], [0.07, 0.11, 0.04], _WHITE)
    if not raised:
        brush.limb([(-0.44, 0.8), (-0.49, 0.73), (-0.5, 0.62)], [0.06, 0.07, 0.03], fur)


def _antler(brush: Brush, head: Head, size: float, tines: int, look: tuple[Colour, float]) -> None:
    colour, shift = look
    spine = np.array([(-0.01, 0.07), (-0.14, 0.22), (-0.13, 0.42), (0.03, 0.54), (0.15, 0.53)]) * size
    beam = [head.local(x + shift, y) for x, y in spine]
    brush.limb(beam, [0.055, 0.05, 0.03], colour)
    for place in np.linspace(0.12, 0.82, tines):
        x, y = (float(np.interp(place, np.linspace(0, 1, len(spine)), spine[:, axis])) for axis in (0, 1))
        rise = 0.2 * size * (1.05 - 0.55 * place)
        tip = (x + shift + 0.1 * size, y + rise)
        brush.limb([head.local(x + shift, y), head.local(*tip)], [0.036, 0.014], colour)


def _point_between(start: Point, end: Point, share: float) -> Point:
    """The point at `share` of the way from `start` to `end`."""
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
