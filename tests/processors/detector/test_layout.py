"""Which output layouts are understood, and what is said of the others."""

import pytest

from processors.detector.layout import Layout, Shape, layout
from thumper.errors import ModelError


@pytest.mark.parametrize(
    ("shapes", "classes", "expected"),
    [
        pytest.param([[1, 300, 6]], 80, "ends", id="YOLO26's end-to-end head"),
        pytest.param([[None, 300, 6]], 6, "ends", id="suppression built in, any batch"),
        pytest.param([[None, None, 6]], 6, "ends", id="any number of boxes"),
        pytest.param([[1, 84, 8400]], 80, "raw", id="YOLOv8 with 80 classes"),
        pytest.param([[None, 84, None]], 80, "raw", id="any size"),
        pytest.param([[1, 6, 8400]], 2, "raw", id="two classes make six rows, not six columns"),
        pytest.param([[1, 7, None]], None, "raw", id="classes unknown"),
    ],
)
def test_understood(shapes: list[Shape], classes: int | None, expected: Layout) -> None:
    assert layout(shapes, classes, "m.onnx") == expected


@pytest.mark.parametrize(
    ("shapes", "classes", "words"),
    [
        pytest.param([[1, 3549, 85]], None, "1 x 3549 x 85", id="YOLOX"),
        pytest.param([[1, 25200, 85]], 80, "1 x 25200 x 85", id="YOLOv5"),
        pytest.param([[1, 56, 8400]], 1, "1 x 56 x 8400", id="pose"),
        pytest.param([[1, 116, 8400], [1, 32, 160, 160]], 80, "1 x 116 x 8400 and 1 x 32 x 160 x 160", id="masks"),
        pytest.param([[1, 1000]], 1000, "1 x 1000", id="a classifier"),
        pytest.param([[None, None, None]], 80, "1 x . x .", id="all open"),
        pytest.param([], 80, "nothing", id="no output"),
    ],
)
def test_refused_with_the_layout_that_it_has(shapes: list[Shape], classes: int | None, words: str) -> None:
    with pytest.raises(ModelError, match=words) as refusal:
        layout(shapes, classes, "m.onnx")
    assert "m.onnx" in refusal.value.message
    assert "yolo export" in refusal.value.hint
