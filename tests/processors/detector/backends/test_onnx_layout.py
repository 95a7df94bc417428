"""A model's numbers to boxes."""

from pathlib import Path

import numpy as np
import pytest

from processors.detector.backends.onnx_layout import boxes, read
from processors.detector.frame import Canvas, letterbox
from processors.detector.layout import Layout
from processors.detector.model import ModelDescription

MODEL = ModelDescription(Path("m.onnx"), "m", "0" * 64, ("doe", "buck"), 640)
WIDE = letterbox(1920, 1080, Canvas(640))


def ends(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.float32).reshape(-1, 6)


def raw(*columns: tuple[float, ...]) -> np.ndarray:
    return np.array(columns, dtype=np.float32).reshape(-1, 6).T


@pytest.mark.parametrize(
    ("output", "layout"),
    [
        pytest.param(ends((0, 12, 320, 192, 0.9, 1), (0, 12, 320, 192, 0.04, 0)), "ends", id="ends"),
        pytest.param(raw((160, 102, 320, 180, 0.1, 0.9), (160, 102, 320, 180, 0.04, 0.01)), "raw", id="raw"),
    ],
)
def test_both_layouts_give_the_same_box(output: np.ndarray, layout: Layout) -> None:
    found = boxes(read(output, layout, 0.05), layout, WIDE, MODEL)
    assert [(box.class_id, box.class_name, box.confidence) for box in found] == [(1, "buck", 0.9)]
    assert (found[0].x1, found[0].y1, found[0].x2, found[0].y2) == (0.0, 0.0, 0.5, 0.5)


def test_most_confident_first() -> None:
    output = ends((0, 20, 50, 60, 0.2, 0), (100, 20, 150, 60, 0.8, 0))
    assert [box.confidence for box in boxes(read(output, "ends", 0.05), "ends", WIDE, MODEL)] == [0.8, 0.2]


def test_raw_boxes_are_suppressed_and_limited() -> None:
    apart = [(20.0 * number + 10, 100.0, 10.0, 10.0, 0.5, 0.0) for number in range(25)]
    output = raw(*apart, *apart)
    assert len(boxes(read(output, "raw", 0.05), "raw", WIDE, MODEL)) == 20


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((0, 0, 640, 10, 0.9, 0), id="on the grey rim only"),
        pytest.param((50, 50, 50, 90, 0.9, 0), id="no width"),
        pytest.param((90, 50, 50, 90, 0.9, 0), id="corners the wrong way round"),
        pytest.param((10, 20, 50, 60, 0.9, 2), id="a class that the model does not name"),
    ],
)
def test_boxes_that_mean_nothing_are_left_out(row: tuple[float, ...]) -> None:
    assert boxes(read(ends(row), "ends", 0.05), "ends", WIDE, MODEL) == []


def test_confidence_beyond_one_by_rounding_is_one() -> None:
    output = ends((0, 12, 320, 192, 1.004, 0))
    assert boxes(read(output, "ends", 0.05), "ends", WIDE, MODEL)[0].confidence == 1.0


@pytest.mark.parametrize(
    ("output", "layout"),
    [
        pytest.param(ends((0, 0, 9, 9, float("nan"), 0)), "ends", id="confidence"),
        pytest.param(ends((0, 0, float("inf"), 9, 0.9, 0)), "ends", id="corner"),
        pytest.param(raw((1, 1, 1, 1, float("nan"), 0.0)), "raw", id="raw confidence"),
    ],
)
def test_what_is_no_number_is_an_error_and_not_an_empty_picture(output: np.ndarray, layout: Layout) -> None:
    with pytest.raises(ArithmeticError, match="not numbers"):
        read(output, layout, 0.05)
