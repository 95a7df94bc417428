"""What lies between the animals and the sensor: grass in front, snow, infrared light, grain."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from models.brush import Point

_GRAIN_TILE: Final = 512
# Each picture takes its grain from another corner of one sheet, which is this much larger.
_GRAIN_MARGIN: Final = 256


def foreground(image: Image.Image, rng: Generator) -> None:
    """Grass blades along the bottom edge and now and then a trunk at the side, in front of everything."""
    width, height = image.size
    draw = ImageDraw.Draw(image)
    base = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    tone = base if isinstance(base, tuple) else (90, 100, 60)
    for x in rng.uniform(0, width, int(rng.integers(0, 90))).tolist():
        gain, length, lean = rng.uniform(0.35, 0.85), height * rng.uniform(0.06, 0.17), rng.normal(0, 0.3)
        fill = (int(tone[0] * gain), int(tone[1] * gain), int(tone[2] * gain))
        draw.line([(x, height), (x + lean * length, height - length)], fill=fill, width=max(1, width // 420))
    if rng.random() < 0.15:
        x, half = rng.uniform(0, width), width * rng.uniform(0.015, 0.035)
        draw.polygon(
            [(x - half, 0), (x + half, 0), (x + half * 1.3, height), (x - half * 1.3, height)], fill=(52, 44, 38)
        )
        for at in (x + half * rng.uniform(-0.9, 0.9, 24)).tolist():
            top = rng.uniform(0, height)
            draw.line([(at, top), (at, top + height * 0.1)], fill=(76, 66, 56), width=max(1, width // 500))


def snowfall(image: Image.Image, rng: Generator) -> None:
    """Some hundred flakes, the near ones large."""
    width, height = image.size
    draw = ImageDraw.Draw(image)
    for x, y, radius in rng.uniform((0, 0, 0.0006), (1, 1, 0.0026), (int(rng.integers(120, 320)), 3)).tolist():
        left, top, span = x * width, y * height, radius * width
        draw.ellipse([left - span, top - span, left + span, top + span], fill=(244, 246, 248))


def infrared(image: Image.Image, horizon: float, rng: Generator) -> Image.Image:
    """The landscape by the camera's own lamp: mode L, bright in the middle, dark in the distance."""
    rows, columns = np.mgrid[0:48, 0:64] / np.array([[[47.0]], [[63.0]]])
    middle = np.exp(-(((columns - rng.uniform(0.42, 0.58)) / 0.48) ** 2) - ((rows - 0.66) / 0.55) ** 2)
    distance = np.where(rows < horizon, 0.3, 0.55 + 0.45 * (rows - horizon) / (1 - horizon))
    lamp = np.clip((0.26 + middle) * distance * rng.uniform(0.9, 1.2), 0.03, 1)
    light = Image.fromarray((lamp * 255).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    return ImageChops.multiply(image.convert("L"), light).point(
        [min(255, int(value * 1.15) + 6) for value in range(256)]
    )


def lit(sprite: Image.Image, gain: float) -> Image.Image:
    """A coat by infrared light: grey, paler than by day, and dimmer (`gain` below 1) when far from the lamp."""
    paler = [min(255, int((54 + value * 1.1) * gain)) for value in range(256)]
    grey = sprite.convert("L").point(paler)
    return Image.merge("RGBA", (grey, grey, grey, sprite.getchannel("A")))


def eyeshine(image: Image.Image, eyes: tuple[Point, ...], radius: float) -> None:
    """A white disc with a halo at each of `eyes` (pixels)."""
    for x, y in eyes:
        side = max(4, round(radius * 6))
        glow = Image.new("L", (side, side))
        middle, core = side / 2, max(1.0, radius)
        ImageDraw.Draw(glow).ellipse([middle - core, middle - core, middle + core, middle + core], fill=255)
        glow = ImageChops.lighter(glow.filter(ImageFilter.GaussianBlur(radius)), glow)
        image.paste((250, 250, 250), (round(x - middle), round(y - middle)), glow)


def grain(image: Image.Image, strength: int, rng: Generator) -> Image.Image:
    """Sensor noise of `strength` 0 to 3 on a picture in RGB or L."""
    sheet = _grain_sheet(image.size, image.mode, strength)
    left, top = (int(value) for value in rng.integers(0, _GRAIN_MARGIN, 2))
    return ImageChops.add(image, sheet.crop((left, top, left + image.width, top + image.height)), offset=-32)


@lru_cache(maxsize=8)
def _grain_sheet(size: tuple[int, int], mode: str, strength: int) -> Image.Image:
    width, height = (side + _GRAIN_MARGIN for side in size)
    noise = np.random.default_rng(strength).normal(32, 2.0 + 2.2 * strength, (_GRAIN_TILE, _GRAIN_TILE))
    tile = np.clip(noise, 0, 64).astype(np.uint8)
    sheet = np.tile(tile, (-(-height // _GRAIN_TILE), -(-width // _GRAIN_TILE)))[:height, :width]
    return Image.fromarray(np.ascontiguousarray(sheet)).convert(mode)
