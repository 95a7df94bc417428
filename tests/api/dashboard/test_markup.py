"""api/dashboard/markup.py: nothing from outside becomes markup; and words.py: numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard import words
from api.dashboard.markup import join, link, own, tag


@given(st.text())
def test_text_and_attributes_never_become_markup(text: str) -> None:
    html = tag("p", text, title=text, data_x=text)
    assert html.count("<") == html.count(">") == 2
    assert html.count('"') == 4


def test_elements() -> None:
    inner = tag("b", "1 < 2")
    assert tag("p", [inner, None, 3], class_="a", hidden=True, id=None) == '<p class="a" hidden><b>1 &lt; 2</b>3</p>'
    assert tag("img", alt="") == '<img alt="">'
    assert join(own("<i>")) == "<i>"


def test_addresses() -> None:
    assert link("/pictures") == "/pictures"
    assert link("/pictures", class_="a&b", until=None, since="") == "/pictures?class=a%26b"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (0.25, "0.2 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (90_000, "1 d 1 h"),
        (864_000, "10 days"),
    ],
)
def test_spans(seconds: float | None, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 9, "0 %"),
        (9, 9, "100 %"),
        (1, 301, "0.33 %"),
        (1, 10_000_000, "0.01 %"),
        (9_999_999, 10_000_000, "99.99 %"),
        (1, 3, "33.3 %"),
    ],
)
def test_a_share_never_hides_the_last_picture(part: int, whole: int, said: str) -> None:
    assert words.share(part, whole) == said


def test_sizes() -> None:
    assert [words.size(size) for size in (None, 12, 1_500, 223_000, 2_500_000_000)] == [
        "unknown",
        "12 bytes",
        "1.5 kB",
        "223 kB",
        "2.5 GB",
    ]
