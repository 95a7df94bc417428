"""The figures by which the model is judged, on answers whose figures are known by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.judge import Picture, average_precision, judge, letterboxed, match

BOX = (0.1, 0.1, 0.5, 0.5)
FAR = (0.6, 0.6, 0.9, 0.9)


def truth(*boxes: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(boxes, dtype=np.float32).reshape(-1, 5)


def answers(*boxes: tuple[float, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(boxes, dtype=np.float32).reshape(-1, 6)


def test_an_animal_is_found_once() -> None:
    verdicts = match(truth((*BOX, 0)), answers((*BOX, 0.9, 0), (*BOX, 0.8, 0), (*FAR, 0.7, 0)))
    assert [right for _, right in verdicts] == [True, False, False]


def test_a_box_of_half_the_overlap_is_a_hit_and_of_less_is_not() -> None:
    hit, miss = (0.1, 0.1, 0.5, 0.31), (0.1, 0.1, 0.5, 0.29)
    assert match(truth((*BOX, 0)), answers((*hit, 0.9, 0)))[0][1]
    assert not match(truth((*BOX, 0)), answers((*miss, 0.9, 0)))[0][1]


@pytest.mark.parametrize(
    ("hits", "animals", "expected"),
    [
        pytest.param([], 3, 0.0, id="nothing answered"),
        pytest.param([(0.9, True)], 0, 0.0, id="no animal"),
        pytest.param([(0.9, True), (0.8, True)], 2, 1.0, id="all found"),
        pytest.param([(0.9, True), (0.8, False)], 2, 0.5, id="half found"),
        pytest.param([(0.9, False), (0.8, True)], 1, 0.5, id="a false one first"),
        pytest.param([(0.5, False), (0.9, True)], 1, 1.0, id="order is by confidence"),
    ],
)
def test_average_precision(hits: list[tuple[float, bool]], animals: int, expected: float) -> None:
    assert average_precision(hits, animals) == pytest.approx(expected)


def test_figures_count_what_is_shown() -> None:
    pictures = [
        Picture(truth((*BOX, 0), (*FAR, 5)), answers((*BOX, 0.9, 0), (*FAR, 0.4, 5))),
        Picture(truth(), answers((*FAR, 0.8, 0))),
    ]
    figures = judge(pictures, threshold=0.5)
    assert (figures["cattle"].animals, figures["cattle"].found, figures["cattle"].false) == (1, 1, 1)
    assert (figures["buck"].animals, figures["buck"].found, figures["buck"].ap50) == (1, 0, 1.0)
    assert figures["all"].animals == 2
    assert figures["all"].ap50 == pytest.approx(2 / 6)


def test_a_wide_picture_lies_in_the_middle_of_its_canvas(tmp_path: Path) -> None:
    Image.new("RGB", (1920, 1080), (255, 0, 0)).save(tmp_path / "a.jpg")
    canvas, place = letterboxed(tmp_path / "a.jpg", 320)
    assert canvas.shape == (1, 3, 192, 320)
    assert place.tolist() == [0, 6, 0, 6, 320, 180, 320, 180]
    assert canvas[0, :, 5, 0] == pytest.approx(114 / 255)
    assert canvas[0, :, 7, 0] == pytest.approx([1, 0, 0], abs=0.02)
