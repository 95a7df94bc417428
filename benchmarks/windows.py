"""Rates in windows of time, from the times of the outcomes. Pure. Times in seconds, ascending."""

from bisect import bisect_left
from collections.abc import Sequence

# Windows start so many seconds apart.
STEP_S = 0.1


def count_in(times: Sequence[float], start_s: float, end_s: float) -> int:
    """How many of `times` lie in [start, end)."""
    return bisect_left(times, end_s) - bisect_left(times, start_s)


def rate_from_first(times: Sequence[float], start_s: float, window_s: float) -> float:
    """Outcomes a second in a window that begins with the first outcome at or after `start_s`; 0.0 if there is none.

    It begins with one so that the rate of a single worker, whose outcomes come in batches, has no remainder in it.
    """
    first = bisect_left(times, start_s)
    return count_in(times, times[first], times[first] + window_s) / window_s if first < len(times) else 0.0


def recovered_after_s(
    times: Sequence[float], event_s: float, wanted: float, window_s: float, until_s: float
) -> float | None:
    """Seconds from the event until the start of the first window from which on every window has the rate `wanted`.

    Windows start at the event and after it, and end at `until_s` at the latest. None if the last one has less.
    """
    starts = [event_s + STEP_S * step for step in range(max(0, int((until_s - window_s - event_s) / STEP_S) + 1))]
    bad = [start for start in starts if count_in(times, start, start + window_s) < wanted * window_s]
    if not starts or (bad and bad[-1] == starts[-1]):
        return None
    return round(bad[-1] - event_s + STEP_S, 3) if bad else 0.0
