"""The rate of a program whose start is left out."""

import pytest

from benchmarks.megadetector_batch import rate
from thumper.errors import UserError


def test_the_start_is_left_out() -> None:
    assert rate(2, 11.0, 52, 21.0) == 5.0


@pytest.mark.parametrize(
    ("all_", "all_s"), [pytest.param(2, 11.0, id="no more pictures"), pytest.param(52, 10.9, id="more in less time")]
)
def test_what_says_nothing_is_refused(all_: int, all_s: float) -> None:
    with pytest.raises(UserError, match=r"2 pictures took|52 pictures took"):
        rate(2, 11.0, all_, all_s)
