"""The information strip and the moon on it."""

from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from models.strip import STRIP, moon_age, stamp


@pytest.mark.parametrize(
    ("at", "age"),
    [
        pytest.param(datetime(2024, 1, 11, 12), 0.0, id="new moon"),
        pytest.param(datetime(2024, 1, 25, 18), 0.5, id="full moon"),
        pytest.param(datetime(2025, 10, 7, 4), 0.5, id="full moon, later"),
    ],
)
def test_moon(at: datetime, age: float) -> None:
    distance = abs(moon_age(at) - age)
    assert min(distance, 1 - distance) < 0.04


@pytest.mark.parametrize("size", [(320, 240), (1280, 960), (1920, 1080)])
def test_the_strip_covers_the_bottom_only(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (200, 60, 60))
    stamp(image, "CAM", datetime(2025, 11, 2, 17, 41), -3)
    pixels = np.asarray(image)
    top = size[1] - round(size[1] * STRIP)
    assert (pixels[:top] == (200, 60, 60)).all()
    assert (pixels[top:, :2] == 12).all()
    assert pixels[top:].max() > 200
