"""Letterboxes: where a picture lies on its canvas, and the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.frame import GREY, Canvas, blank, letterbox, paste

sides = st.integers(1, 20_000)
canvases = st.builds(Canvas, st.sampled_from([64, 320, 640, 1280])) | st.builds(
    Canvas, st.just(640), st.tuples(st.integers(32, 700), st.integers(32, 700))
)


@pytest.mark.parametrize(
    ("source", "canvas", "bucket", "inner"),
    [
        pytest.param((2048, 1536), Canvas(640), (480, 640), (640, 480), id="4:3 fills its bucket"),
        pytest.param((1920, 1080), Canvas(640), (384, 640), (640, 360), id="16:9 is padded to a multiple of 32"),
        pytest.param((1080, 1920), Canvas(640), (640, 384), (360, 640), id="portrait"),
        pytest.param((100, 75), Canvas(640), (480, 640), (640, 480), id="small pictures are enlarged"),
        pytest.param((640, 640), Canvas(640), (640, 640), (640, 640), id="square"),
        pytest.param((20_000, 10), Canvas(640), (32, 640), (640, 1), id="a strip keeps a line"),
        pytest.param((20_000, 10), Canvas(320), (64, 320), (320, 1), id="small canvases keep room for 300 places"),
        pytest.param((2048, 1536), Canvas(640, (640, 640)), (640, 640), (640, 480), id="fixed square"),
        pytest.param((1000, 1000), Canvas(640, (384, 640)), (384, 640), (384, 384), id="fixed rectangle"),
    ],
)
def test_buckets(source: tuple[int, int], canvas: Canvas, bucket: tuple[int, int], inner: tuple[int, int]) -> None:
    box = letterbox(*source, canvas)
    assert (box.height, box.width) == bucket
    assert (box.inner_width, box.inner_height) == inner


@given(sides, sides, canvases)
def test_the_picture_lies_inside_its_canvas(width: int, height: int, canvas: Canvas) -> None:
    box = letterbox(width, height, canvas)
    assert 0 <= box.left <= box.width - box.inner_width
    assert 0 <= box.top <= box.height - box.inner_height
    if canvas.fixed is None:
        assert max(box.width, box.height) == canvas.input_px
        assert box.width % 32 == box.height % 32 == 0


@given(sides, sides, canvases, st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=5))
def test_to_source_is_the_inverse_of_to_canvas(
    width: int, height: int, canvas: Canvas, corners: list[tuple[float, float, float, float]]
) -> None:
    box = letterbox(width, height, canvas)
    given_corners = np.array(corners)
    assert np.allclose(box.to_source(box.to_canvas(given_corners)), given_corners, atol=1e-9)


def test_corners_beyond_the_picture_are_clipped_to_it() -> None:
    box = letterbox(1920, 1080, Canvas(640))
    assert box.to_source(np.array([[-50.0, 0.0, 900.0, 384.0]])).tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_paste_centres_on_grey() -> None:
    box = letterbox(1920, 1080, Canvas(640))
    frame = paste(np.zeros((360, 640, 3), dtype=np.uint8), box)
    assert frame.pixels.shape == (384, 640, 3)
    assert (frame.pixels[:12] == GREY).all()
    assert (frame.pixels[12:372] == 0).all()
    assert (frame.pixels[372:] == GREY).all()


def test_a_picture_that_fills_its_canvas_is_not_copied() -> None:
    inner = np.zeros((480, 640, 3), dtype=np.uint8)
    assert np.shares_memory(paste(inner, letterbox(2048, 1536, Canvas(640))).pixels, inner)


def test_blank_fits_its_canvas() -> None:
    assert blank(Canvas(640)).bucket == (640, 640)
    assert blank(Canvas(640, (384, 640))).bucket == (384, 640)
