"""The information strip that a trail camera prints along the bottom: name, date, time, temperature, moon."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

#: The strip's share of the picture's height.
STRIP: Final = 0.052

# A known new moon and the mean length of a lunation (days), which keeps the phase right within a day.
_NEW_MOON: Final = datetime(2000, 1, 6, 18, 14)
_LUNATION_DAYS: Final = 29.530588853


def moon_age(at: datetime) -> float:
    """Share of the lunation that has passed, 0 (new) over 0.5 (full) to 1."""
    return ((at - _NEW_MOON).total_seconds() / 86_400 / _LUNATION_DAYS) % 1.0


def stamp(image: Image.Image, camera: str, at: datetime, celsius: int) -> None:
    """Draws the strip over the bottom of `image`."""
    width, height = image.size
    tall = round(height * STRIP)
    top = height - tall
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, top, width, height], fill=(12, 12, 12))
    font = _font(round(tall * 0.62))
    line = top + tall * 0.5
    draw.text((width * 0.015, line), camera, (240, 240, 240), font, anchor="lm")
    draw.text((width * 0.55, line), at.strftime("%m/%d/%Y  %I:%M:%S %p"), (240, 240, 240), font, anchor="mm")
    draw.text((width * 0.93, line), f"{celsius}°C  {round(celsius * 1.8 + 32)}°F", (240, 240, 240), font, anchor="rm")
    _moon(draw, (width * 0.965, line), tall * 0.32, moon_age(at))


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def _moon(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, age: float) -> None:
    x, y = centre
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(60, 60, 60))
    lit_share = 1 - abs(age * 2 - 1)
    waxing = age < 0.5
    draw.pieslice(
        [x - radius, y - radius, x + radius, y + radius],
        -90 if waxing else 90,
        90 if waxing else 270,
        fill=(236, 234, 214),
    )
    bulge = radius * abs(lit_share * 2 - 1)
    fill = (236, 234, 214) if lit_share > 0.5 else (60, 60, 60)
    draw.ellipse([x - bulge, y - radius, x + bulge, y + radius], fill=fill)
