"""What a camera sees when no animal is there: sky, hills, trees, ground, feeder, weather."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from models.anatomy import blend
from models.brush import Colour

Bytes = NDArray[np.uint8]

# Backdrops are soft, so they are painted at this share of the picture's size and enlarged.
_SHARE: Final = 0.5


@dataclass(frozen=True)
class Look:
    """The colours of a landscape, and how much of what stands in it."""

    ground: Colour
    ground_far: Colour
    sky: Colour
    leaves: Colour
    trees: int
    blades: int


_LOOKS: Final[tuple[Look, ...]] = (
    Look((104, 122, 62), (138, 148, 92), (172, 198, 222), (62, 86, 48), trees=14, blades=520),
    Look((98, 84, 58), (120, 112, 78), (190, 204, 208), (48, 66, 38), trees=34, blades=260),
    Look((168, 146, 100), (184, 166, 122), (186, 206, 226), (98, 100, 62), trees=8, blades=420),
    Look((128, 118, 70), (152, 140, 92), (204, 208, 206), (124, 92, 48), trees=22, blades=420),
)
_SNOW: Final = Look((222, 226, 232), (208, 214, 222), (200, 208, 216), (74, 82, 80), trees=20, blades=90)


@dataclass(frozen=True)
class Backdrop:
    """A painted landscape at half size, and the height of its horizon (relative to the picture's height)."""

    image: Image.Image
    horizon: float


def paint(size: tuple[int, int], view: int, freezing: bool, rng: Generator) -> Backdrop:
    """The landscape that `view` stands for, for pictures of `size` pixels; `rng` gives what changes from day to day."""
    place = np.random.default_rng([view, 7])
    look = _SNOW if freezing and rng.random() < 0.6 else _LOOKS[int(place.integers(len(_LOOKS)))]
    horizon = float(place.uniform(0.26, 0.48))
    width, height = (max(8, round(side * _SHARE)) for side in size)
    level = round(height * horizon)
    image = _sky((width, height), look, rng)
    draw = ImageDraw.Draw(image)
    _hills(draw, (width, height), level, look, place)
    _treeline(image, level, look, place)
    image.paste(_ground((width, height - level), look, place), (0, level))
    _blades(ImageDraw.Draw(image), (width, height), level, look, place)
    _trunks(ImageDraw.Draw(image), (width, height), level, look, place)
    if place.random() < 0.3:
        _feeder(ImageDraw.Draw(image), (width, height), level, place)
    if rng.random() < 0.14:
        image = _fog(image, level, rng)
    return Backdrop(image, horizon)


def _noise(size: tuple[int, int], cells: tuple[int, int], rng: Generator) -> Image.Image:
    """Soft random light and dark, 0 to 255, with `cells` blotches across and down."""
    grid = rng.integers(0, 256, (max(2, cells[1]), max(2, cells[0])), dtype=np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def _ramp(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    column = np.linspace(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64), 32)
    return Image.fromarray(column.astype(np.uint8)[:, None, :]).resize(size, Image.Resampling.BILINEAR)


def _sky(size: tuple[int, int], look: Look, rng: Generator) -> Image.Image:
    sky = _ramp(size, look.sky, (232, 232, 224))
    clouds = _noise(size, (7, 12), rng).point([max(0, value - 110) for value in range(256)])
    sky.paste((240, 241, 242), (0, 0), clouds)
    return sky


def _hills(draw: ImageDraw.ImageDraw, size: tuple[int, int], level: int, look: Look, rng: Generator) -> None:
    width, height = size
    xs = np.linspace(0, width, 40)
    for share, rise in ((0.62, 0.16), (0.4, 0.09)):
        rough = np.interp(np.arange(40), np.arange(0, 48, 6), rng.uniform(0, 1, 8))
        ys = level - height * rise * (0.35 + rough * 0.65)
        colour = blend(look.leaves, look.sky, share)
        draw.polygon([(0, level + 2), *zip(xs.tolist(), ys.tolist(), strict=True), (width, level + 2)], fill=colour)


def _treeline(image: Image.Image, level: int, look: Look, rng: Generator) -> None:
    width, height = image.size
    bare = image.copy()
    draw = ImageDraw.Draw(image)
    for _ in range(look.trees * 2):
        x, reach = rng.uniform(0, width), height * rng.uniform(0.05, 0.2)
        crown = blend(look.leaves, look.sky, rng.uniform(0.0, 0.3))
        if rng.random() < 0.4:
            draw.polygon(
                [(x - reach * 0.3, level + 3), (x, level - reach * 1.6), (x + reach * 0.3, level + 3)], fill=crown
            )
            continue
        for _ in range(4):
            left, top = x + reach * rng.uniform(-0.7, 0.3), level - reach * rng.uniform(0.4, 1.1)
            draw.ellipse([left, top, left + reach * 0.7, top + reach * 0.8], fill=crown)
        draw.rectangle([x - 1, level - reach * 0.5, x + 1, level + 3], fill=blend(crown, (30, 22, 16), 0.5))
    strip = (0, max(0, level - round(height * 0.36)), width, min(height, level + 4))
    trees = image.crop(strip)
    grown = ImageChops.difference(trees, bare.crop(strip)).convert("L").point([0] + [255] * 255)
    leaves = ImageChops.multiply(trees, _leafy(trees.size, rng))
    image.paste(leaves, strip[:2], grown.filter(ImageFilter.BoxBlur(0.8)))


def _leafy(size: tuple[int, int], rng: Generator) -> Image.Image:
    grain = _noise(size, (size[0] // 3, size[1] // 3), rng).point([205 + value * 50 // 255 for value in range(256)])
    return Image.merge("RGB", (grain, grain, grain))


def _ground(size: tuple[int, int], look: Look, rng: Generator) -> Image.Image:
    ground = _ramp(size, look.ground_far, look.ground)
    coarse = _noise(size, (9, 12), rng).point([196 + value * 59 // 255 for value in range(256)])
    fine = _noise(size, (size[0] // 4, size[1] // 2), rng).point([190 + value * 65 // 255 for value in range(256)])
    light = ImageChops.multiply(coarse, fine)
    ground = ImageChops.multiply(ground, Image.merge("RGB", (light, light, light)))
    if rng.random() < 0.35:
        _path(ground, look, rng)
    return ground


def _path(ground: Image.Image, look: Look, rng: Generator) -> None:
    width, height = ground.size
    far, near = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.9) * width
    mask = Image.new("L", ground.size)
    corners = [
        (far - width * 0.01, 0),
        (far + width * 0.01, 0),
        (near + width * 0.11, height),
        (near - width * 0.11, height),
    ]
    ImageDraw.Draw(mask).polygon(corners, fill=120)
    ground.paste(blend(look.ground, (176, 156, 128), 0.7), (0, 0), mask.filter(ImageFilter.BoxBlur(5)))


def _blades(draw: ImageDraw.ImageDraw, size: tuple[int, int], level: int, look: Look, rng: Generator) -> None:
    width, height = size
    depth = np.sqrt(rng.uniform(0, 1, look.blades))
    xs, leans = rng.uniform(0, width, look.blades), rng.normal(0, 0.4, look.blades)
    tints = rng.uniform(-0.3, 0.3, look.blades)
    for share, x, lean, tint in zip(depth.tolist(), xs.tolist(), leans.tolist(), tints.tolist(), strict=True):
        y, length = level + share * (height - level), (0.01 + 0.035 * share) * height
        colour = blend(look.ground, (248, 240, 190) if tint > 0 else (24, 30, 12), abs(tint))
        draw.line([(x, y), (x + lean * length, y - length)], fill=colour)


def _trunks(draw: ImageDraw.ImageDraw, size: tuple[int, int], level: int, look: Look, rng: Generator) -> None:
    width, height = size
    for _ in range(int(rng.integers(0, 2 + look.trees // 10))):
        near = rng.uniform(0.1, 0.7)
        x, foot, half = rng.uniform(0, width), level + near * 0.4 * (height - level), width * (0.006 + 0.022 * near)
        bark = blend((96, 82, 68), (62, 54, 46), rng.uniform(0, 1))
        draw.polygon(
            [(x - half * 0.7, 0), (x + half * 0.7, 0), (x + half * 1.2, foot), (x - half * 1.2, foot)], fill=bark
        )
        for _ in range(14):
            at, top = x + half * rng.uniform(-0.8, 0.8), rng.uniform(0, foot * 0.8)
            draw.line([(at, top), (at, top + foot * 0.15)], fill=blend(bark, (20, 16, 14), rng.uniform(0.1, 0.5)))


def _feeder(draw: ImageDraw.ImageDraw, size: tuple[int, int], level: int, rng: Generator) -> None:
    width, height = size
    x, foot = rng.uniform(0.15, 0.85) * width, level + rng.uniform(0.08, 0.3) * (height - level)
    tall, half = height * 0.26, width * 0.028
    for spread in (-1.0, 0.15, 1.0):
        draw.line(
            [(x + spread * half * 0.5, foot - tall * 0.45), (x + spread * half * 1.5, foot)], fill=(70, 66, 62), width=2
        )
    drum = blend((92, 104, 92), (120, 116, 110), rng.uniform(0, 1))
    draw.rectangle([x - half, foot - tall, x + half, foot - tall * 0.45], fill=drum)
    draw.polygon(
        [(x - half * 1.2, foot - tall), (x, foot - tall * 1.18), (x + half * 1.2, foot - tall)], fill=(74, 78, 74)
    )
    draw.polygon(
        [(x - half, foot - tall * 0.45), (x + half, foot - tall * 0.45), (x, foot - tall * 0.33)], fill=(60, 62, 58)
    )


def _fog(image: Image.Image, level: int, rng: Generator) -> Image.Image:
    width, height = image.size
    rows = np.arange(height)
    thick = np.where(rows < level, 0.85, 0.85 * np.exp(-(rows - level) / (height * 0.22))) * rng.uniform(0.7, 1.0)
    mask = Image.fromarray((thick * 255).astype(np.uint8)[:, None]).resize((width, height))
    image.paste((206, 210, 212), (0, 0), mask)
    return image
