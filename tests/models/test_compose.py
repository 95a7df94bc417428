"""Scenes are the same from the same seed, and their boxes are where the animals are."""

from datetime import datetime

import numpy as np
import pytest

from models.animals import CLASSES
from models.compose import is_night, render_scene

SIZE = (320, 240)
NOON, MIDNIGHT = datetime(2025, 7, 1, 12), datetime(2025, 7, 1, 0, 30)


def test_same_seed_renders_the_same_scene_and_another_seed_another() -> None:
    first, again, other = (render_scene(seed, SIZE) for seed in (11, 11, 12))
    assert first.image.tobytes() == again.image.tobytes()
    assert (first.animals, first.captured_at, first.night) == (again.animals, again.captured_at, again.night)
    assert first.image.tobytes() != other.image.tobytes()


def test_scenes_have_none_to_four_animals_of_every_class_by_day_and_by_night() -> None:
    scenes = [render_scene(seed, (96, 72)) for seed in range(90)]
    counts = {len(scene.animals) for scene in scenes}
    assert {0, 1, 2} <= counts <= {0, 1, 2, 3, 4}
    assert {animal.class_name for scene in scenes for animal in scene.animals} == set(CLASSES)
    assert {scene.night for scene in scenes} == {True, False}


@pytest.mark.parametrize("size", [(320, 240), (400, 225), (640, 480)])
def test_boxes_lie_in_the_picture_and_have_an_area(size: tuple[int, int]) -> None:
    boxes = [animal.box for seed in range(12) for animal in render_scene(seed, size).animals]
    assert boxes
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


def test_a_box_holds_the_animals_pixels() -> None:
    """Inside a box the colours are farther from the landscape's than in the same rows beside it."""
    inside, beside = [], []
    for seed in range(30):
        scene = render_scene(seed, SIZE, captured_at=NOON)
        if len(scene.animals) != 1:
            continue
        x0, y0, x1, y1 = (round(edge * side) for edge, side in zip(scene.animals[0].box, SIZE * 2, strict=True))
        pixels = np.asarray(scene.image, dtype=np.float64)[y0:y1]
        background = np.delete(pixels, np.s_[x0:x1], axis=1).reshape(-1, 3)
        if len(background) < 500:
            continue
        middle = np.median(background, axis=0)
        inside.append(np.abs(pixels[:, x0:x1] - middle).mean())
        beside.append(np.abs(background - middle).mean())
    assert len(inside) > 6
    assert np.mean(inside) > 1.3 * np.mean(beside)


def test_night_is_grey_and_day_is_not() -> None:
    day, night = (np.asarray(render_scene(5, SIZE, captured_at=at).image).astype(int) for at in (NOON, MIDNIGHT))
    assert np.ptp(night, axis=2)[:220].max() == 0
    assert np.ptp(day, axis=2)[:220].max() > 20


@pytest.mark.parametrize(("hour", "night"), [(0, True), (6, True), (7, False), (18, False), (19, True)])
def test_the_lamp_follows_the_hour(hour: int, night: bool) -> None:
    assert is_night(datetime(2025, 5, 5, hour)) is night


def test_pictures_of_one_view_share_their_landscape() -> None:
    def sky(seed: int, view: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        image = render_scene(seed, SIZE, view, captured_at=NOON).image.convert("L").resize((64, 48))
        return np.asarray(image, dtype=np.float64)[:16]

    def likeness(first: int, second: int) -> float:
        pairs = [(sky(seed, first), sky(seed + 100, second)) for seed in range(4)]
        return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]))

    assert likeness(8, 8) > likeness(8, 9)
