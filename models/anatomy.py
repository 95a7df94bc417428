"""What all drawn animals share: heads that look up or graze, legs that walk, coats that vary."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.random import Generator

from models.brush import Brush, Colour, Point


@dataclass(frozen=True)
class Head:
    """A head's frame: where it starts and where the nose is, in the animal's units."""

    base: Point
    nose: Point

    def local(self, forward: float, above: float, along: bool = False) -> Point:
        """A point `forward` of the base and `above` it in the head's own frame; `along` counts in head lengths."""
        dx, dy = self.nose[0] - self.base[0], self.nose[1] - self.base[1]
        length = math.hypot(dx, dy)
        ux, uy = dx / length, dy / length
        ahead = forward * length if along else forward
        return (self.base[0] + ux * ahead - uy * above, self.base[1] + uy * ahead + ux * above)


def head_at(rng: Generator, down: tuple[Point, Point], up: tuple[Point, Point]) -> Head:
    """A head between grazing and alert; each end is (base, reach from the base to the nose)."""
    share = float(rng.choice([rng.uniform(0, 0.15), rng.uniform(0.55, 1.0), rng.uniform(0.8, 1.0)]))
    base = _between(down[0], up[0], share)
    reach = _between(down[1], up[1], share)
    return Head(base, (base[0] + reach[0], base[1] + reach[1]))


def swings(rng: Generator) -> tuple[float, float, float, float]:
    """How far each foot is ahead of its hip: far hind, far fore, near hind, near fore."""
    step = float(rng.choice([rng.uniform(0, 0.04), rng.uniform(0.06, 0.22)]))
    return (step, -step * 0.8, -step, step * 0.9)


def leg(brush: Brush, hip: Point, swing: float, widths: tuple[float, float], colour: Colour) -> None:
    """A leg from the hip to the ground, with its joint a little behind, and a dark hoof."""
    hip_x, hip_y = hip
    foot = (hip_x + swing, 0.03)
    joint = (hip_x + swing * 0.55 - 0.03, hip_y * 0.48)
    brush.limb([hip, joint, foot], [widths[0], widths[1] * 1.3, widths[1]], colour)
    brush.limb([foot, (foot[0] + 0.03, 0.015)], [widths[1] * 1.2, widths[1] * 1.2], (38, 30, 26))


def coat(choices: Sequence[Colour], rng: Generator) -> Colour:
    """One of the coats, a little lighter, darker, warmer or colder."""
    red, green, blue = choices[int(rng.integers(len(choices)))]
    gain = rng.uniform(0.88, 1.12)
    warmth = rng.uniform(-6, 6)
    return (_byte(red * gain + warmth), _byte(green * gain), _byte(blue * gain - warmth))


def blend(colour: Colour, other: Colour, share: float) -> Colour:
    """`share` of the way from one colour to another."""
    red, green, blue = (_byte(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return (red, green, blue)


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))
