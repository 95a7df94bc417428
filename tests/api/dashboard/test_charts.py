"""api/dashboard/charts.py and atlas.py: drawings hold whatever numbers come."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard import atlas, charts

NUMBER = re.compile(r'(?:cx|cy|r|x1|x2|y1|y2)="([^"]+)"')
PLACE = st.builds(
    atlas.Dot,
    st.text(max_size=30),
    st.just("id"),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.integers(0, 10**9),
)


@given(st.lists(st.none() | st.floats(0, 1e12), max_size=40))
def test_a_line_stays_in_its_frame_and_leaves_gaps(values: list[float | None]) -> None:
    html = charts.line(values, "says")
    points = [float(number) for run in re.findall(r'points="([^"]*)"', html) for number in re.split("[ ,]", run)]
    assert all(-0.1 <= point <= charts.WIDTH + 0.6 for point in points)
    runs = "".join("." if value is None else "x" for value in values).split(".")
    assert html.count("<polyline") == sum(1 for run in runs if run)


@given(st.lists(PLACE, min_size=1, max_size=20))
def test_every_place_is_on_the_map(dots: list[atlas.Dot]) -> None:
    html = atlas.draw(dots, None)
    assert html.count("<circle") == len(dots)
    assert html.count('class="grid"') <= 42
    for found in re.findall(r'cx="([^"]+)" cy="([^"]+)"', html):
        assert 0 <= float(found[0]) <= atlas.WIDTH
        assert 0 <= float(found[1]) <= atlas.HEIGHT


@pytest.mark.parametrize("values", [[], [0.0], [3.0, 9.0]])
def test_columns_are_as_high_as_the_highest(values: list[float]) -> None:
    html = charts.columns([(str(index), value) for index, value in enumerate(values)], "says")
    heights = [float(height) for height in re.findall(r"height:([\d.]+)%", html)]
    assert max(heights, default=0.0) == (100.0 if any(values) else 0.0)
