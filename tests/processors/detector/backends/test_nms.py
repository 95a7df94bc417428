"""Suppression: of overlapping boxes of a class, the most confident one stays."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.backends.nms import suppress

UNIT = (0.0, 0.0, 10.0, 10.0)


def run(boxes: Sequence[tuple[float, ...]], confidence: list[float], classes: list[int], most: int = 20) -> list[int]:
    kept = suppress(np.array(boxes).reshape(-1, 4), np.array(confidence), np.array(classes, dtype=int), 0.45, most)
    return [int(number) for number in kept]


@pytest.mark.parametrize(
    ("boxes", "confidence", "classes", "kept"),
    [
        pytest.param([], [], [], [], id="none"),
        pytest.param([UNIT, UNIT], [0.5, 0.9], [0, 0], [1], id="the same box twice"),
        pytest.param([UNIT, UNIT], [0.5, 0.9], [0, 1], [1, 0], id="other classes do not suppress"),
        pytest.param([UNIT, (20, 20, 30, 30)], [0.5, 0.9], [0, 0], [1, 0], id="apart"),
        pytest.param([UNIT, (0, 0, 10, 4.4)], [0.9, 0.5], [0, 0], [0, 1], id="overlap of 0.44 stays"),
        pytest.param([UNIT, (0, 0, 10, 4.6)], [0.9, 0.5], [0, 0], [0], id="overlap of 0.46 goes"),
        pytest.param(
            [UNIT, (0, 3, 10, 13), (0, 6, 10, 16)],
            [0.9, 0.8, 0.7],
            [0, 0, 0],
            [0, 2],
            id="what is suppressed suppresses nothing",
        ),
        pytest.param([(1, 1, 1, 1), (1, 1, 1, 1)], [0.9, 0.8], [0, 0], [0, 1], id="boxes without area"),
    ],
)
def test_suppress(boxes: list[tuple[float, ...]], confidence: list[float], classes: list[int], kept: list[int]) -> None:
    assert run(boxes, confidence, classes) == kept


def test_at_most() -> None:
    apart = [(20.0 * number, 0.0, 20.0 * number + 10, 10.0) for number in range(30)]
    assert run(apart, [number / 100 for number in range(30)], [0] * 30, most=20) == list(range(29, 9, -1))


corner = st.floats(0, 100, width=32)


@given(st.lists(st.tuples(corner, corner, corner, corner, st.floats(0, 1), st.integers(0, 2)), max_size=40))
def test_it_agrees_with_the_plain_algorithm(found: list[tuple[float, float, float, float, float, int]]) -> None:
    boxes = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d, _, _ in found]
    confidence = [one[4] for one in found]
    classes = [one[5] for one in found]
    kept: list[int] = []
    for number in sorted(range(len(found)), key=lambda one: -confidence[one]):
        if all(classes[number] != classes[one] or _iou(boxes[number], boxes[one]) <= 0.45 for one in kept):
            kept.append(number)
    assert run(boxes, confidence, classes, most=100) == kept


def _iou(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    width = max(0.0, min(first[2], second[2]) - max(first[0], second[0]))
    height = max(0.0, min(first[3], second[3]) - max(first[1], second[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    union = sum(areas) - width * height
    return width * height / union if union > 0 else 0.0
