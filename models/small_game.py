"""Raccoon, and the shapes that the model knows only as 'unknown': a bird, a rabbit, a coyote."""

from typing import Final

import numpy as np
from numpy.random import Generator

from models.anatomy import Head, blend, coat, head_at, leg, swings
from models.brush import Brush, Colour, Point

_RACCOON: Final[tuple[Point, ...]] = (
    (-0.42, 0.26), (-0.4, 0.46), (-0.2, 0.62), (0.08, 0.58), (0.3, 0.46), (0.38, 0.28), (0.2, 0.17), (-0.2, 0.16),
)  # fmt: skip
_COYOTE: Final[tuple[Point, ...]] = (
    (-0.42, 0.56), (-0.38, 0.7), (-0.1, 0.72), (0.2, 0.74), (0.38, 0.68), (0.36, 0.5), (0.15, 0.44), (-0.15, 0.5),
)  # fmt: skip
_BLACK: Final[Colour] = (30, 28, 30)
_PALE: Final[Colour] = (222, 216, 204)


def draw_raccoon(brush: Brush, rng: Generator) -> None:
    """A raccoon: hunched grey body, ringed tail, black mask under white brows."""
    fur = coat(((142, 134, 124), (126, 118, 112), (150, 136, 116)), rng)
    dark = blend(fur, _BLACK, 0.6)
    stride = swings(rng)
    _ringed_tail(brush, rng, fur)
    leg(brush, (-0.28, 0.28), stride[0] * 0.5, (0.13, 0.07), dark)
    leg(brush, (0.24, 0.28), stride[1] * 0.5, (0.11, 0.06), dark)
    brush.blob(_RACCOON, fur)
    brush.patches(_RACCOON, [((-0.05, 0.62), (0.34, 0.1))], dark)
    leg(brush, (-0.3, 0.28), stride[2] * 0.5, (0.2, 0.075), blend(fur, _BLACK, 0.3))
    leg(brush, (0.28, 0.28), stride[3] * 0.5, (0.13, 0.065), blend(fur, _BLACK, 0.3))
    _mask(brush, (0.45, rng.uniform(0.34, 0.56)), fur)


def _ringed_tail(brush: Brush, rng: Generator, fur: Colour) -> None:
    lift = rng.uniform(-0.15, 0.3)
    spine = np.array([(-0.34, 0.36), (-0.6, 0.34 + lift * 0.4), (-0.95, 0.3 + lift)])
    steps = np.linspace(0, 1, 12)
    xs, ys = (np.interp(steps, [0, 0.45, 1], spine[:, axis]) for axis in (0, 1))
    for index in range(len(steps) - 1):
        colour = _BLACK if index % 2 else blend(fur, _PALE, 0.35)
        width = 0.2 - 0.08 * abs(index / 11 - 0.5) * 2
        brush.limb(
            [(float(xs[index]), float(ys[index])), (float(xs[index + 1]), float(ys[index + 1]))], [width, width], colour
        )


def _mask(brush: Brush, centre: Point, fur: Colour) -> None:
    x, y = centre
    for ear in (-0.1, 0.09):
        brush.spot((x + ear, y + 0.17), (0.055, 0.075), blend(fur, _BLACK, 0.4))
        brush.spot((x + ear, y + 0.175), (0.03, 0.045), _PALE)
    brush.spot(centre, (0.19, 0.17), fur)
    brush.spot((x + 0.03, y + 0.02), (0.175, 0.095), _PALE)
    brush.spot((x + 0.03, y - 0.015), (0.165, 0.065), _BLACK)
    brush.blob([(x + 0.02, y - 0.02), (x + 0.1, y + 0.02), (x + 0.26, y - 0.08), (x + 0.12, y - 0.13)], _PALE)
    brush.spot((x + 0.255, y - 0.075), (0.032, 0.028), _BLACK)
    brush.eye((x + 0.12, y + 0.0), 0.024)
    brush.eye((x - 0.05, y + 0.0), 0.022)


def draw_unknown(brush: Brush, rng: Generator) -> None:
    """An animal outside the known classes: a bird, a rabbit or a coyote."""
    (_bird, _rabbit, _coyote)[int(rng.integers(3))](brush, rng)


def _bird(brush: Brush, rng: Generator) -> None:
    plumage = coat(((70, 58, 50), (92, 66, 44), (52, 52, 60)), rng)
    dark = blend(plumage, _BLACK, 0.4)
    for x in (-0.06, 0.08):
        brush.limb([(x, 0.34), (x + 0.02, 0.18), (x, 0.02)], [0.05, 0.035, 0.03], (168, 122, 78))
        brush.limb([(x, 0.02), (x + 0.1, 0.01)], [0.03, 0.02], (168, 122, 78))
    fan = rng.uniform(0.1, 0.45)
    brush.blob([(-0.3, 0.5), (-0.75, 0.5 + fan), (-0.85, 0.36 + fan), (-0.7, 0.3), (-0.3, 0.38)], dark)
    brush.blob([(-0.45, 0.5), (-0.2, 0.68), (0.15, 0.68), (0.34, 0.52), (0.2, 0.32), (-0.15, 0.28)], plumage)
    brush.blob([(-0.5, 0.46), (-0.1, 0.6), (0.12, 0.54), (-0.1, 0.42)], dark)
    head = head_at(rng, down=((0.5, 0.4), (0.16, -0.12)), up=((0.42, 0.98), (0.18, -0.02)))
    brush.limb([(0.22, 0.56), head.base], [0.2, 0.1], plumage)
    brush.limb([head.base, head.local(0.6, 0.0, along=True)], [0.14, 0.1], blend(plumage, (176, 60, 50), 0.6))
    brush.shape([head.local(0.04, 0.05), head.local(1.15, -0.02, along=True), head.local(0.04, -0.05)], (206, 160, 84))
    brush.eye(head.local(0.03, 0.02), 0.02)


def _rabbit(brush: Brush, rng: Generator) -> None:
    fur = coat(((158, 134, 108), (136, 124, 112), (176, 156, 130)), rng)
    dark = blend(fur, _BLACK, 0.3)
    brush.spot((-0.46, 0.26), (0.11, 0.11), (240, 236, 228))
    brush.blob([(-0.45, 0.2), (-0.4, 0.44), (-0.12, 0.58), (0.16, 0.5), (0.3, 0.3), (0.24, 0.08), (-0.3, 0.05)], fur)
    brush.blob([(-0.42, 0.1), (-0.34, 0.34), (-0.1, 0.36), (-0.02, 0.14), (-0.1, 0.04)], dark)
    brush.limb([(-0.3, 0.06), (0.02, 0.05)], [0.09, 0.08], fur)
    brush.limb([(0.2, 0.26), (0.26, 0.05)], [0.12, 0.07], fur)
    lean = rng.uniform(-0.25, 0.05)
    for shift, colour in ((-0.05, dark), (0.03, fur)):
        brush.limb(
            [(0.3 + shift, 0.6), (0.3 + shift + lean * 0.5, 0.84), (0.3 + shift + lean, 1.02)],
            [0.09, 0.12, 0.04],
            colour,
        )
    brush.blob([(0.14, 0.5), (0.24, 0.66), (0.4, 0.64), (0.54, 0.5), (0.44, 0.4), (0.26, 0.38)], fur)
    brush.spot((0.53, 0.5), (0.024, 0.02), (120, 70, 66))
    brush.eye((0.38, 0.55), 0.03)


def _coyote(brush: Brush, rng: Generator) -> None:
    fur = coat(((156, 134, 106), (138, 126, 112), (170, 140, 104)), rng)
    dark, pale = blend(fur, _BLACK, 0.4), blend(fur, _PALE, 0.5)
    head = head_at(rng, down=((0.56, 0.46), (0.24, -0.16)), up=((0.5, 0.92), (0.28, -0.08)))
    stride = swings(rng)
    leg(brush, (-0.32, 0.56), stride[0], (0.12, 0.05), dark)
    leg(brush, (0.28, 0.52), stride[1], (0.1, 0.05), dark)
    brush.limb([(-0.38, 0.62), (-0.6, 0.5), (-0.74, 0.28)], [0.1, 0.18, 0.05], blend(fur, _BLACK, 0.2))
    brush.blob(_COYOTE, fur)
    leg(brush, (-0.36, 0.58), stride[2], (0.17, 0.055), fur)
    leg(brush, (0.32, 0.54), stride[3], (0.12, 0.055), fur)
    brush.limb([(0.26, 0.62), head.base], [0.26, 0.18], fur)
    _coyote_face(brush, head, (fur, dark, pale))


def _coyote_face(brush: Brush, head: Head, colours: tuple[Colour, Colour, Colour]) -> None:
    fur, dark, pale = colours
    for shift, colour in ((-0.07, dark), (0.02, fur)):
        brush.shape(
            [head.local(shift - 0.05, 0.06), head.local(shift - 0.04, 0.27), head.local(shift + 0.07, 0.08)], colour
        )
    brush.spot(head.base, (0.13, 0.12), fur)
    brush.limb([head.local(0.03, -0.02), head.local(1.0, -0.01, along=True)], [0.14, 0.06], fur)
    brush.limb([head.local(0.08, -0.06), head.local(0.9, -0.04, along=True)], [0.07, 0.04], pale)
    brush.spot(head.local(1.02, 0.0, along=True), (0.028, 0.026), _BLACK)
    brush.eye(head.local(0.07, 0.03), 0.018)
