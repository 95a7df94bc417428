"""Puts animals into a landscape and gives the picture with what is in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from models import backdrop, weather
from models.animals import CLASSES, NEAR_UNIT, draw_animal
from models.brush import Sprite
from models.strip import STRIP, stamp

Box = tuple[float, float, float, float]

# Class of the next animal: the ranch's own mix would starve the rare classes, so it is nearly even.
_ODDS: Final = (0.15, 0.16, 0.17, 0.18, 0.16, 0.18)
_COUNTS: Final = (0.14, 0.46, 0.24, 0.11, 0.05)
# An animal covered by others or cut off by the frame beyond this share is not drawn: nobody could name it.
_MOST_HIDDEN: Final = 0.45
_EPOCH: Final = datetime(2024, 1, 1)


@dataclass(frozen=True)
class Animal:
    """An animal and its box: x0, y0, x1, y1, relative to the upright picture, 0 to 1."""

    class_name: str
    box: Box


@dataclass(frozen=True)
class Scene:
    """A picture (RGB, upright), what is in it, and the camera's local time."""

    image: Image.Image
    animals: tuple[Animal, ...]
    captured_at: datetime
    night: bool


@dataclass(frozen=True)
class _Placed:
    class_name: str
    sprite: Sprite
    corner: tuple[int, int]
    near: float

    def pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """The part inside a picture of `size`: x0, y0, x1, y1."""
        x, y = self.corner
        width, height = self.sprite.image.size
        return (max(0, x), max(0, y), min(size[0], x + width), min(size[1], y + height))


def render_scene(
    seed: int,
    size: tuple[int, int] = (1280, 960),
    view: int | None = None,
    camera: str = "CAM 1",
    captured_at: datetime | None = None,
) -> Scene:
    """The scene that belongs to `seed`, always the same: 0 to 4 animals, day or night.

    `size` is in pixels; pictures of the same `view` show the same landscape (default: one of the seed's own);
    `captured_at` decides between day and night (default: any time of two years).
    """
    rng = np.random.default_rng(seed)
    at = captured_at or _EPOCH + timedelta(seconds=int(rng.integers(0, 2 * 365 * 86_400)))
    night = is_night(at)
    celsius = _celsius(at, rng)
    land = backdrop.paint(size, int(rng.integers(2**31)) if view is None else view, celsius <= 2, rng)
    image = weather.infrared(land.image, land.horizon, rng) if night else land.image
    image = image.resize(size, Image.Resampling.BILINEAR).convert("RGB")
    placed = _place_all(size, land.horizon, rng)
    for item in placed:
        _shadow(image, item)
        sprite = weather.lit(item.sprite.image, 0.55 + 0.45 * item.near) if night else item.sprite.image
        image.paste(sprite, item.corner, sprite)
    weather.foreground(image, rng)
    if celsius <= 4 and rng.random() < 0.3:
        weather.snowfall(image, rng)
    image = _by_night(image, placed, rng) if night else _by_day(image, rng)
    stamp(image, camera, at, celsius)
    animals = tuple(Animal(item.class_name, _relative(item.pixels(size), size)) for item in placed)
    return Scene(image, animals, at, night)


def is_night(at: datetime) -> bool:
    """Whether a camera would use its infrared lamp at this local time."""
    return not 7 <= at.hour < 19


def _place_all(size: tuple[int, int], horizon: float, rng: Generator) -> list[_Placed]:
    """The animals of a scene, the far ones first."""
    count = int(rng.choice(len(_COUNTS), p=_COUNTS))
    herd = rng.random() < 0.45
    class_name = str(rng.choice(CLASSES, p=_ODDS))
    placed: list[_Placed] = []
    for _ in range(count):
        placed.append(_place(class_name, size, horizon, rng))
        if not herd:
            class_name = str(rng.choice(CLASSES, p=_ODDS))
    placed.sort(key=lambda item: item.corner[1] + item.sprite.image.height)
    return _clear(placed, size)


def _place(class_name: str, size: tuple[int, int], horizon: float, rng: Generator) -> _Placed:
    width, height = size
    ground = height * (1 - STRIP)
    near = float(rng.uniform(0.12, 1.0))
    unit = width * NEAR_UNIT[class_name] * (0.34 + 0.66 * near) * rng.uniform(0.85, 1.15)
    sprite = draw_animal(class_name, unit, rng)
    feet = height * horizon + (ground - height * horizon) * (0.12 + 0.84 * near)
    x = int(rng.uniform(-0.12 * sprite.image.width, width - 0.88 * sprite.image.width))
    y = max(round(-0.1 * sprite.image.height), round(feet) - sprite.image.height)
    return _Placed(class_name, sprite, (x, y), near)


def _clear(placed: Sequence[_Placed], size: tuple[int, int]) -> list[_Placed]:
    """Those that can be made out: not mostly outside the frame, not mostly behind a nearer one."""
    kept: list[_Placed] = []
    for item in reversed(placed):
        x0, y0, x1, y1 = item.pixels((size[0], round(size[1] * (1 - STRIP))))
        area = item.sprite.image.width * item.sprite.image.height
        hidden = 1 - max(0, x1 - x0) * max(0, y1 - y0) / area
        for other in kept:
            a0, b0, a1, b1 = other.pixels(size)
            hidden += max(0, min(x1, a1) - max(x0, a0)) * max(0, min(y1, b1) - max(y0, b0)) / area
        if hidden <= _MOST_HIDDEN:
            kept.append(item)
    return kept[::-1]


def _shadow(image: Image.Image, item: _Placed) -> None:
    width, height = item.sprite.image.size
    x, y = item.corner
    span = max(6, round(width * 0.09))
    soft = Image.linear_gradient("L").resize((8, 8)).point([0] * 256)
    soft.paste(110, (2, 3, 6, 5))
    mask = soft.filter(ImageFilter.GaussianBlur(1)).resize((width, span * 2), Image.Resampling.BICUBIC)
    image.paste((20, 20, 16), (x, y + height - span - span // 3), mask)


def _by_day(image: Image.Image, rng: Generator) -> Image.Image:
    red, green, blue = rng.uniform(0.9, 1.06, 3) * rng.uniform(0.78, 1.08)
    curves = [min(255, int(value * gain)) for gain in (red, green, blue) for value in range(256)]
    return weather.grain(image.point(curves), int(rng.integers(0, 2)), rng)


def _by_night(image: Image.Image, placed: Sequence[_Placed], rng: Generator) -> Image.Image:
    for item in placed:
        eyes = tuple((x + item.corner[0], y + item.corner[1]) for x, y in item.sprite.eyes)
        weather.eyeshine(image, eyes, max(1.2, item.sprite.image.width * 0.009))
    return weather.grain(image.convert("L"), int(rng.integers(1, 4)), rng).convert("RGB")


def _celsius(at: datetime, rng: Generator) -> int:
    season = -np.cos((at.timetuple().tm_yday - 20) / 365 * 2 * np.pi) * 12
    daily = -np.cos((at.hour - 3) / 24 * 2 * np.pi) * 6
    return round(float(12 + season + daily + rng.normal(0, 1.5)))


def _relative(pixels: tuple[int, int, int, int], size: tuple[int, int]) -> Box:
    x0, y0, x1, y1 = pixels
    return (x0 / size[0], y0 / size[1], x1 / size[0], y1 / size[1])
