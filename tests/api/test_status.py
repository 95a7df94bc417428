"""api/status.py: the numbers always add up, and the state is the one that the design names."""

from dataclasses import replace
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.status import Counts, LogMismatch, Numbers, Positions, Tally, Worker, replaying, status
from schemas.envelope import NAMESPACE
from schemas.worker import WorkerBeat
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition

HAYFIELD, SANCTUARY = (uuid5(NAMESPACE, name) for name in ("Hayfield", "Sanctuary"))
IMAGES, OUTCOMES = Partition("images", 0), Partition("detections", 0)


def group(partition: Partition, committed: int | None, end: int, start: int = 0) -> GroupLag:
    return GroupLag("any", (PartitionLag(partition, start, committed, end),), 0.0)


def positions(committed: int | None = 0, end: int = 0, outcomes: int = 0, sink: int | None = None) -> Positions:
    images = group(IMAGES, committed, end)
    return Positions(images, images, group(OUTCOMES, sink, outcomes))


def worker(in_flight: int = 0, seen_s: float = 0.0, **beat: object) -> Worker:
    known = {"worker": "detector-1", "role": "detector", "group": "detector", "state": "running"}
    return Worker(WorkerBeat.model_validate({**known, "in_flight": in_flight, **beat}), seen_s)


def counts(recorded: int = 0, done_ahead: int = 0, **tally: int) -> Counts:
    return Counts({HAYFIELD: Tally(**tally)}, {0: done_ahead}, {IMAGES: recorded})


tallies = st.builds(Tally, *[st.integers(0, 10**6)] * 4)


@given(
    places=st.dictionaries(st.uuids(), tallies, max_size=5),
    registered=st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)),
    committed=st.none() | st.integers(0, 3_000),
    outcomes=st.integers(0, 1_000),
    sink=st.none() | st.integers(0, 1_000),
    beats=st.lists(st.tuples(st.integers(0, 10**7), st.floats(-10, 0))),
)
def test_the_numbers_always_add_up(
    places: dict[UUID, Tally],
    registered: tuple[int, int],
    committed: int | None,
    outcomes: int,
    sink: int | None,
    beats: list[tuple[int, float]],
) -> None:
    recorded, unregistered = registered
    found = status(
        Counts(places, {}, {IMAGES: recorded}),
        positions(committed, recorded + unregistered, outcomes, sink),
        [worker(in_flight, seen_s, worker=f"w{n}") for n, (in_flight, seen_s) in enumerate(beats)],
        0.0,
    )
    whole = found.numbers
    assert whole.pending + whole.processing + whole.completed + whole.failed == whole.total
    assert min(whole.pending, whole.processing, whole.completed, whole.failed) >= 0
    assert whole.total == unregistered + sum(tally.total for tally in places.values())
    for place, numbers in found.locations.items():
        assert numbers.pending + numbers.processing + numbers.completed + numbers.failed == numbers.total
        assert numbers.total == places[place].total
        assert min(numbers.pending, numbers.processing) >= 0
    assert sum(numbers.completed for numbers in found.locations.values()) == whole.completed
    assert sum(numbers.processing for numbers in found.locations.values()) <= whole.processing


@pytest.mark.parametrize(
    ("counted", "places", "workers", "expected"),
    [
        pytest.param(counts(), positions(), [], Numbers(0, 0, 0, 0, 0), id="nothing at all"),
        pytest.param(counts(), positions(0, 7), [], Numbers(7, 7, 0, 0, 0), id="in the log, not yet registered"),
        pytest.param(counts(7, ahead=7), positions(0, 7), [], Numbers(7, 7, 0, 0, 0), id="registered, waiting"),
        pytest.param(
            counts(7, ahead=5, completed=2), positions(2, 7), [worker(3)], Numbers(7, 2, 3, 2, 0), id="three in hand"
        ),
        pytest.param(
            counts(7, ahead=7), positions(0, 7), [worker(3, -5.0)], Numbers(7, 7, 0, 0, 0), id="the worker fell silent"
        ),
        pytest.param(
            counts(7, ahead=7), positions(0, 7), [worker(3, group="replay.1")], Numbers(7, 7, 0, 0, 0), id="a side run"
        ),
        pytest.param(
            counts(7, todo=7), positions(7, 7, outcomes=4), [], Numbers(7, 3, 4, 0, 0), id="committed, not recorded"
        ),
        pytest.param(
            counts(7, todo=7), positions(7, 7, outcomes=4, sink=4), [], Numbers(7, 7, 0, 0, 0), id="only markers left"
        ),
        pytest.param(
            counts(7, completed=6, failed=1), positions(7, 7), [worker(9)], Numbers(7, 0, 0, 6, 1), id="drained"
        ),
    ],
)
def test_numbers(counted: Counts, places: Positions, workers: list[Worker], expected: Numbers) -> None:
    assert status(counted, places, workers, 0.0).numbers == expected


def test_a_reset_shows_all_as_pending_and_replaying() -> None:
    found = status(counts(9, done_ahead=9, ahead=9), positions(0, 9), [], 0.0)
    assert (found.numbers.pending, found.state) == (9, "Replaying")


@pytest.mark.parametrize(
    ("done_ahead", "passed", "expected"),
    [
        pytest.param(0, 0, False, id="nothing beyond has an outcome"),
        pytest.param(1, 0, True, id="an outcome beyond a position that stands"),
        pytest.param(3, 3, False, id="just passed between the two readings"),
        pytest.param(4, 3, True, id="more than were passed"),
        pytest.param(1, -5, True, id="reset between the two readings"),
    ],
)
def test_replaying(done_ahead: int, passed: int, expected: bool) -> None:
    before = group(IMAGES, 10, 100)
    after = group(IMAGES, 10 + passed, 100)
    assert replaying(counts(100, done_ahead), Positions(before, after, group(OUTCOMES, 0, 0))) is expected


@pytest.mark.parametrize(
    ("now_s", "since_s", "workers", "state"),
    [
        pytest.param(10.0, None, [], "Active", id="just found standing"),
        pytest.param(309.9, 10.0, [], "Active", id="not yet for five minutes"),
        pytest.param(310.0, 10.0, [], "Stuck", id="for five minutes"),
        pytest.param(310.0, 10.0, [worker(1, 309.0)], "Active", id="something in hand"),
        pytest.param(310.0, 10.0, [worker(0, 309.0, state="paused")], "Paused", id="all workers paused"),
    ],
)
def test_state_while_pictures_wait(now_s: float, since_s: float | None, workers: list[Worker], state: str) -> None:
    assert status(counts(7, ahead=7), positions(0, 7), workers, now_s, since_s).state == state


def test_stalled_is_remembered_until_work_goes_on() -> None:
    first = status(counts(7, ahead=7), positions(0, 7), [], 10.0)
    second = status(counts(7, ahead=7), positions(0, 7), [], 20.0, first.stalled_since_s)
    third = status(counts(7, ahead=7), positions(0, 7), [worker(2, 30.0)], 30.0, second.stalled_since_s)
    assert (first.stalled_since_s, second.stalled_since_s, third.stalled_since_s) == (10.0, 10.0, None)


def test_idle_when_nothing_is_left() -> None:
    assert status(counts(7, completed=7), positions(7, 7), [], 0.0).state == "Idle"


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param({IMAGES: 8}, id="beyond the log's end"),
        pytest.param({Partition("images", 3): 1}, id="a partition that the log does not have"),
        pytest.param({OUTCOMES: 1}, id="outcomes that the log does not have"),
    ],
)
def test_rows_of_another_log_are_refused(foreign: dict[Partition, int]) -> None:
    with pytest.raises(LogMismatch, match="log does not have"):
        status(replace(counts(7), recorded=foreign), positions(7, 7), [], 0.0)


@pytest.mark.parametrize(("completed", "total", "rate"), [(0, 0, 0.0), (1, 3, 33.33), (2, 3, 66.67), (7, 7, 100.0)])
def test_completion_rate(completed: int, total: int, rate: float) -> None:
    assert Numbers(total, total - completed, 0, completed, 0).completion_rate == rate
