"""Cattle and pig."""

from typing import Final

import numpy as np
from numpy.random import Generator

from models.anatomy import Head, blend, coat, head_at, leg, swings
from models.brush import Brush, Colour, Point

_CATTLE_COATS: Final[tuple[Colour, ...]] = (
    (236, 232, 224),
    (146, 74, 42),
    (58, 50, 48),
    (206, 170, 122),
    (120, 84, 58),
)
_PATCHES: Final[tuple[Colour, ...]] = ((40, 36, 36), (238, 234, 226), (244, 240, 232), (240, 232, 220), (236, 230, 220))
_CATTLE: Final[tuple[Point, ...]] = (
    (-0.58, 0.6), (-0.58, 0.88), (-0.42, 0.97), (0.0, 0.93), (0.36, 0.99), (0.54, 0.9),
    (0.58, 0.66), (0.44, 0.46), (0.05, 0.4), (-0.3, 0.43), (-0.5, 0.46),
)  # fmt: skip
_PIG_COATS: Final[tuple[Colour, ...]] = ((74, 64, 60), (110, 82, 62), (92, 84, 82), (196, 146, 130), (60, 54, 56))
_PIG: Final[tuple[Point, ...]] = (
    (-0.5, 0.42), (-0.46, 0.6), (-0.25, 0.7), (0.08, 0.75), (0.34, 0.72), (0.48, 0.52),
    (0.42, 0.3), (0.15, 0.2), (-0.2, 0.2), (-0.42, 0.28),
)  # fmt: skip


def draw_cattle(brush: Brush, rng: Generator) -> None:
    """A cow or steer: a long square body, a heavy head, often patches and horns."""
    kind = int(rng.integers(len(_CATTLE_COATS)))
    hide, patch = coat(_CATTLE_COATS[kind : kind + 1], rng), _PATCHES[kind]
    dark = blend(hide, (20, 14, 10), 0.35)
    head = head_at(rng, down=((0.82, 0.34), (0.2, -0.24)), up=((0.78, 1.0), (0.28, -0.2)))
    stride = swings(rng)
    leg(brush, (-0.4, 0.55), stride[0] * 0.7, (0.17, 0.08), dark)
    leg(brush, (0.4, 0.55), stride[1] * 0.7, (0.15, 0.08), dark)
    brush.limb([(-0.56, 0.9), (-0.64, 0.7), (-0.63, 0.34)], [0.05, 0.035, 0.03], dark)
    brush.limb([(-0.63, 0.36), (-0.63, 0.22)], [0.07, 0.05], (40, 32, 28))
    brush.spot((-0.25, 0.42), (0.12, 0.08), (222, 170, 158))
    brush.blob(_CATTLE, hide)
    if rng.random() < 0.75:
        brush.patches(_CATTLE, _marks(rng, int(rng.integers(2, 6))), patch)
    leg(brush, (-0.45, 0.58), stride[2] * 0.7, (0.22, 0.085), hide)
    leg(brush, (0.45, 0.58), stride[3] * 0.7, (0.17, 0.085), hide)
    brush.limb([(0.42, 0.74), head.base], [0.46, 0.26], hide)
    _cattle_face(brush, rng, head, (hide, dark, patch))


def _cattle_face(brush: Brush, rng: Generator, head: Head, colours: tuple[Colour, Colour, Colour]) -> None:
    hide, dark, patch = colours
    horns = rng.random() < 0.6
    if horns:
        _horn(brush, head, -0.05, (176, 166, 140))
    brush.limb([head.local(-0.02, 0.06), head.local(-0.2, 0.06)], [0.07, 0.1, 0.03], dark)
    brush.limb([head.base, head.local(1.0, 0.0, along=True)], [0.27, 0.18], hide)
    if rng.random() < 0.6:
        brush.limb([head.local(0.02, 0.05), head.local(0.85, 0.04, along=True)], [0.08, 0.07], patch)
    brush.spot(head.local(0.98, -0.01, along=True), (0.1, 0.085), blend((208, 160, 148), dark, 0.2))
    brush.spot(head.local(1.12, 0.03, along=True), (0.018, 0.018), (40, 26, 24))
    brush.limb([head.local(0.0, 0.07), head.local(-0.17, 0.1)], [0.07, 0.1, 0.03], hide)
    if horns:
        _horn(brush, head, 0.03, (228, 218, 192))
    brush.eye(head.local(0.11, 0.06), 0.026)


def _horn(brush: Brush, head: Head, shift: float, colour: Colour) -> None:
    points = [(0.0, 0.11), (-0.04, 0.24), (0.08, 0.34)]
    brush.limb([head.local(x + shift, y) for x, y in points], [0.065, 0.05, 0.015], colour)


def draw_pig(brush: Brush, rng: Generator) -> None:
    """A feral pig: a barrel on short legs, a wedge of a head, bristles on the back."""
    hide = coat(_PIG_COATS, rng)
    dark, pale = blend(hide, (14, 12, 12), 0.45), blend(hide, (220, 180, 168), 0.45)
    head = head_at(rng, down=((0.44, 0.44), (0.36, -0.3)), up=((0.46, 0.56), (0.44, -0.12)))
    stride = swings(rng)
    leg(brush, (-0.32, 0.36), stride[0] * 0.6, (0.16, 0.065), dark)
    leg(brush, (0.28, 0.34), stride[1] * 0.6, (0.14, 0.065), dark)
    brush.limb([(-0.48, 0.54), (-0.6, 0.52), (-0.62, 0.34)], [0.04, 0.03, 0.035], dark)
    _bristles(brush, rng, dark)
    brush.blob(_PIG, hide)
    if rng.random() < 0.4:
        brush.patches(_PIG, _marks(rng, 4, lift=-0.22, size=0.7), dark if rng.random() < 0.6 else pale)
    leg(brush, (-0.36, 0.38), stride[2] * 0.6, (0.22, 0.07), hide)
    leg(brush, (0.32, 0.36), stride[3] * 0.6, (0.18, 0.07), hide)
    brush.limb([(0.32, 0.5), head.base, head.local(1.0, 0.0, along=True)], [0.46, 0.36, 0.13], hide)
    brush.spot(head.local(1.04, 0.0, along=True), (0.05, 0.07), pale)
    brush.blob([head.local(-0.04, 0.12), head.local(-0.14, 0.3), head.local(0.02, 0.26), head.local(0.1, 0.12)], dark)
    if rng.random() < 0.6:
        brush.limb(
            [head.local(0.74, -0.05, along=True), head.local(0.8, 0.03, along=True)], [0.03, 0.012], (236, 230, 212)
        )
    brush.eye(head.local(0.14, 0.09), 0.02)


def _bristles(brush: Brush, rng: Generator, colour: Colour) -> None:
    for x in np.linspace(-0.4, 0.42, 22):
        height = 0.72 - 0.5 * (float(x) - 0.12) ** 2
        brush.limb(
            [(float(x), height - 0.06), (float(x) - 0.05, height + rng.uniform(0.03, 0.08))], [0.03, 0.008], colour
        )


def _marks(rng: Generator, count: int, lift: float = 0.0, size: float = 1.0) -> list[tuple[Point, Point]]:
    return [
        (
            (rng.uniform(-0.55, 0.5), rng.uniform(0.5, 0.95) + lift),
            (rng.uniform(0.08, 0.24) * size, rng.uniform(0.07, 0.2) * size),
        )
        for _ in range(count)
    ]
