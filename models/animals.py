"""One animal of a class, drawn, turned and shaded."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageChops

from models.brush import Brush, Sprite, Stance
from models.deer import draw_buck, draw_doe
from models.livestock import draw_cattle, draw_pig
from models.small_game import draw_raccoon, draw_unknown

#: In the order of the model's outputs: never sorted, never extended in the middle.
CLASSES: Final = ("cattle", "pig", "raccoon", "doe", "unknown", "buck")

_DRAW: Final[dict[str, Callable[[Brush, Generator], None]]] = {
    "cattle": draw_cattle,
    "pig": draw_pig,
    "raccoon": draw_raccoon,
    "doe": draw_doe,
    "unknown": draw_unknown,
    "buck": draw_buck,
}
#: One unit of the class as a share of the picture's width when it stands near the camera.
NEAR_UNIT: Final[dict[str, float]] = {
    "cattle": 0.36,
    "pig": 0.29,
    "raccoon": 0.24,
    "doe": 0.3,
    "unknown": 0.22,
    "buck": 0.3,
}


def draw_animal(class_name: str, unit_px: float, rng: Generator) -> Sprite:
    """An animal of `class_name` at `unit_px` pixels a unit (about its body's length), in a random stance."""
    stance = Stance(
        flip=int(rng.choice([-1, 1])),
        turn=float(rng.choice([1.0, rng.uniform(0.9, 1.05), rng.uniform(0.62, 0.9)])),
        tilt=float(rng.normal(0, 0.035)),
    )
    brush = Brush(unit_px, stance)
    _DRAW[class_name](brush, rng)
    sprite = brush.lift()
    return Sprite(_shade(sprite.image, rng), sprite.eyes)


def _shade(image: Image.Image, rng: Generator) -> Image.Image:
    """Light from above, soft folds and fine fur, inside the animal's pixels only."""
    width, height = image.size
    fall = np.linspace(1.0, 0.62, 24)[:, None] + rng.normal(0, 0.028, (24, 24))
    folds = Image.fromarray((np.clip(fall, 0, 1) * 255).astype(np.uint8)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    strands = rng.integers(205, 256, (max(2, height // 3), max(2, width // 5)), dtype=np.uint8)
    fur = Image.fromarray(strands).resize((width, height), Image.Resampling.BILINEAR)
    light = ImageChops.multiply(folds, fur)
    red, green, blue, alpha = image.split()
    return Image.merge("RGBA", (*(ImageChops.multiply(band, light) for band in (red, green, blue)), alpha))
