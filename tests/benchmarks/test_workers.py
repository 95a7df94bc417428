"""The benchmark of more and more workers: what holds, what is not valid, and what it notices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.crew import Crew
from benchmarks.parts import Parts
from benchmarks.turns import SideFailed
from benchmarks.workers import QUESTIONS, Plan, Step, measure, rows
from thumper.settings import Settings
from thumper.topics import ensure_topics

(ASKED,) = QUESTIONS
TINY = Plan((1, 2), partitions=4, latency_s=0.2, window_s=1.0, settling_s=20.0)


def quiet(_: str) -> None:
    return


def step(workers: int, rate: float, used: float = 10.0) -> Step:
    return Step(workers, rate, used, "a note")


@pytest.mark.parametrize(
    ("steps", "ratios", "holds"),
    [
        pytest.param([step(1, 8.0), step(2, 16.0)], [1.0, 1.0], [True, True], id="linear"),
        pytest.param([step(1, 8.0), step(2, 8.0)], [1.0, 0.5], [True, False], id="the second does nothing"),
        pytest.param([step(1, 4.0), step(2, 8.0)], [0.5, 1.0], [False, True], id="one alone is slower than its model"),
        pytest.param([step(1, 8.0), step(2, 16.0, 71.0)], [1.0, None], [True, None], id="the machine was the limit"),
    ],
)
def test_what_holds(steps: list[Step], ratios: list[float | None], holds: list[bool | None]) -> None:
    found = rows(ASKED, steps, 8.0)
    assert [row.name for row in found] == ["workers_1", "workers_2"]
    assert [row.ratio for row in found] == ratios
    assert [row.holds for row in found] == holds


def test_it_must_not_fall_even_where_it_is_efficient() -> None:
    assert [row.holds for row in rows(ASKED, [step(1, 8.0), step(20, 152.0), step(21, 151.4)], 8.0)] == [
        True,
        True,
        False,
    ]


@pytest.fixture
def crew(settings: Settings, tmp_path: Path) -> Iterator[Crew]:
    ready = settings.model_copy(update={"batch_size": 16})
    ensure_topics(ready)
    with Parts(ready, tmp_path / "logs", {}) as parts:
        yield Crew(ready, parts, TINY.latency_s)


@pytest.mark.integration
def test_every_worker_that_is_added_gets_pictures(crew: Crew) -> None:
    """With an assignor that spreads the partitions of all topics together, the second got those of `requests`."""
    alone, both = measure(crew, TINY, quiet)
    assert (alone.workers, both.workers) == (1, 2)
    assert alone.rate > 0
    images = [[words for words in last_assigned(crew)[name] if words.startswith("images ")] for name in (0, 1)]
    assert [len(one) for one in images] == [1, 1]


def last_assigned(crew: Crew) -> list[list[str]]:
    """By worker, what it was assigned last: `images 0,1`, `requests 0,1`."""
    return [list(part.said("partitions assigned"))[-1]["partitions"].split("; ") for part in crew.members]


@pytest.mark.integration
def test_events_that_do_not_last_are_no_result(crew: Crew) -> None:
    few = Plan((1,), partitions=4, latency_s=0.2, window_s=2.0, settling_s=-1.9)
    with pytest.raises(SideFailed, match="the events did not last"):
        measure(crew, few, quiet)


@pytest.mark.integration
def test_a_worker_that_ends_is_noticed(crew: Crew) -> None:
    crew.grow(1)
    crew.members[0].kill()
    with pytest.raises(SideFailed, match="null-1 ended with"):
        crew.wait_settled()
