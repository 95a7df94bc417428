"""Waiting before the next try."""

import pytest

from sinks.postgres.backoff import Backoff


@pytest.mark.parametrize(
    ("chance", "waits"),
    [
        pytest.param(0.0, [0.2, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], id="shortest"),
        pytest.param(1.0, [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0], id="longest"),
    ],
)
def test_waits_double_up_to_the_ceiling(chance: float, waits: list[float]) -> None:
    backoff = Backoff(lambda: chance)
    assert [round(backoff.next_s(), 3) for _ in waits] == waits
    backoff.reset()
    assert backoff.next_s() == pytest.approx(0.2)
