"""Every class is drawn, the same from the same seed, with nothing but the animal in its layer."""

import numpy as np
import pytest

from models.animals import CLASSES, NEAR_UNIT, draw_animal


def test_classes_are_in_the_order_of_the_models_outputs() -> None:
    assert CLASSES == ("cattle", "pig", "raccoon", "doe", "unknown", "buck")
    assert set(NEAR_UNIT) == set(CLASSES)


@pytest.mark.parametrize("class_name", CLASSES)
@pytest.mark.parametrize("seed", range(4))
def test_layer_holds_the_animal_and_no_margin(class_name: str, seed: int) -> None:
    sprite = draw_animal(class_name, 60, np.random.default_rng(seed))
    alpha = np.asarray(sprite.image.getchannel("A"))
    assert alpha[0].any() and alpha[-1].any() and alpha[:, 0].any() and alpha[:, -1].any()  # noqa: PT018
    assert 0.15 < (alpha > 0).mean() < 0.9
    assert all(0 <= x < sprite.image.width and 0 <= y < sprite.image.height for x, y in sprite.eyes)


@pytest.mark.parametrize("class_name", CLASSES)
def test_same_seed_draws_the_same_animal_and_another_seed_another(class_name: str) -> None:
    first, again, other = (draw_animal(class_name, 50, np.random.default_rng(seed)).image for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert first.size != other.size or first.tobytes() != other.tobytes()


def test_size_follows_the_unit() -> None:
    small, large = (draw_animal("doe", unit_px, np.random.default_rng(5)).image for unit_px in (40.0, 80.0))
    assert large.width == pytest.approx(2 * small.width, abs=3)
    assert large.height == pytest.approx(2 * small.height, abs=3)
