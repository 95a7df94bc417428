"""The benchmark of workers that come and go: what counts as well again, and what it notices."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import rebalance
from benchmarks.crew import Crew
from benchmarks.parts import Parts
from benchmarks.rebalance import Disturbance, judged, owned_by, partitions_in, taken_over_after_s
from benchmarks.turns import SideFailed
from thumper.settings import Settings
from thumper.topics import ensure_topics

# A hundred a second from four workers, half of it between 6 and 7 after one has gone at 5, then 75.
FALLING = (
    [one / 100 for one in range(500)]
    + [5 + one / 75 for one in range(75)]
    + [6 + one / 50 for one in range(50)]
    + [7 + one / 75 for one in range(75 * 8)]
)


def test_the_rate_is_back_when_so_many_do_what_so_many_shall() -> None:
    seconds, note = judged(FALLING, 0.0, 15.0, Disturbance(5.0, 3))
    assert 1.0 <= seconds <= 2.0
    assert note.startswith("100 pictures/s before, 75 wanted")


def test_a_rate_that_does_not_come_back_is_no_result() -> None:
    with pytest.raises(SideFailed, match=r"100 pictures/s before, 75 at the end, 125 wanted: not back within 10 s"):
        judged(FALLING, 0.0, 15.0, Disturbance(5.0, 5))


def test_events_that_ran_out_are_no_result() -> None:
    with pytest.raises(SideFailed, match="too few events"):
        judged(FALLING, 0.0, 17.0, Disturbance(5.0, 3))


def test_words_as_partitions() -> None:
    assert partitions_in("images 0,11; requests 2") == {"images 0", "images 11", "requests 2"}
    assert partitions_in("") == set()


class Said:
    """A part whose log has these lines: (second, event, partitions)."""

    def __init__(self, *lines: tuple[int, str, str]) -> None:
        self._lines = [
            {"timestamp": f"1970-01-01T00:00:{second:02}+00:00", "event": event, "partitions": partitions}
            for second, event, partitions in lines
        ]

    def said(self, *events: str) -> Iterator[dict[str, Any]]:
        return (line for line in self._lines if line["event"] in events)


HEIR = Said(
    (1, "partitions assigned", "images 0; requests 0"),
    (6, "partitions assigned", "images 0,1"),
    (7, "partitions revoked", "images 1"),
    (8, "partitions assigned", "images 1"),
)


def test_the_last_of_the_partitions_decides() -> None:
    assert taken_over_after_s(Disturbance(5.0, 3, (HEIR,), frozenset({"images 0", "images 1"}))) == 3.0
    assert owned_by(HEIR) == {"images 0", "images 1", "requests 0"}


def test_a_partition_without_a_new_owner_is_no_result() -> None:
    with pytest.raises(SideFailed, match="nobody has taken over: requests 0"):
        taken_over_after_s(Disturbance(5.0, 3, (HEIR,), frozenset({"images 0", "requests 0"})))


@pytest.mark.integration
def test_a_worker_leaves_and_its_partitions_have_new_owners(settings: Settings, tmp_path: Path) -> None:
    ensure_topics(settings)
    with Parts(settings, tmp_path / "logs", {}) as parts:
        crew = Crew(settings, parts, rebalance.LATENCY_S)
        crew.grow(2)
        victim, heir = crew.members
        gone = owned_by(victim)
        assert gone
        assert not gone & owned_by(heir)
        victim.stop()
        crew.members.remove(victim)
        crew.wait_settled()
        assert owned_by(heir) >= gone
