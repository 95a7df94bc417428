"""Rates in windows, and when they are back."""

import pytest

from benchmarks.windows import count_in, rate_from_first, recovered_after_s

# Ten outcomes a second for ten seconds, with a hole between 4 and 6.
HOLED = [number / 10 for number in range(100) if not 40 <= number < 60]


def test_a_window_has_its_start_and_not_its_end() -> None:
    assert count_in([1.0, 2.0, 2.0, 3.0], 2.0, 3.0) == 2


@pytest.mark.parametrize(
    ("times", "start_s", "rate"),
    [
        pytest.param([0.0] * 16 + [2.01] * 16 + [4.02] * 16, 0.0, 8.0, id="batches: no remainder"),
        pytest.param([0.0] * 16 + [2.01] * 16 + [4.02] * 16, 0.5, 8.0, id="from the first after the start"),
        pytest.param([0.0], 0.5, 0.0, id="none after the start"),
        pytest.param([], 0.0, 0.0, id="none at all"),
    ],
)
def test_the_rate_from_the_first_outcome(times: list[float], start_s: float, rate: float) -> None:
    assert rate_from_first(times, start_s, 4.0) == rate


@pytest.mark.parametrize(
    ("times", "event_s", "until_s", "seconds"),
    [
        pytest.param(HOLED, 5.95, 9.5, 0.0, id="nothing is missing after the event"),
        pytest.param(HOLED, 3.05, 9.5, 2.8, id="windows that see the hole do not count"),
        pytest.param(HOLED, 4.05, 6.5, None, id="not back in time"),
        pytest.param(HOLED, 9.0, 9.5, None, id="no room for a window"),
        pytest.param([], 0.0, 5.0, None, id="nothing at all"),
    ],
)
def test_back_is_when_every_later_window_has_enough(
    times: list[float], event_s: float, until_s: float, seconds: float | None
) -> None:
    assert recovered_after_s(times, event_s, 9.0, 1.0, until_s) == seconds
