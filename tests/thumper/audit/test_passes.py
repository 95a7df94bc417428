"""Passes over a partition: replays are none of what is wrong, and what comes twice within a pass is found."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.audit.passes import Repeat, Track

END = 40


def follow(
    offsets: Sequence[int], committed: int | None = None, marks: Sequence[object] = ()
) -> tuple[Track, list[Repeat]]:
    """A track over these outcomes, all by one model, and what it called repeated."""
    track, seen, found = Track(), set[int](), list[Repeat]()
    for n, offset in enumerate(offsets):
        found.extend(track.add(offset, offset in seen, marks[n] if marks else None))
        seen.add(offset)
    found.extend(track.end(committed))
    return track, found


@pytest.mark.parametrize(
    ("offsets", "committed", "passes", "repeated"),
    [
        pytest.param([], None, 0, [], id="nothing"),
        pytest.param([0, 1, 2, 3], 4, 1, [], id="one pass"),
        pytest.param([0, 1, 3], 4, 1, [], id="a hole is not a matter of order"),
        pytest.param([0, 1, 2, 0, 1, 2, 3], 4, 2, [], id="set back to the start, and on"),
        pytest.param([0, 1, 2, 0, 1, 2, 1, 2], 3, 3, [], id="set back twice"),
        pytest.param([0, 0], 1, 2, [], id="a partition of one event, processed again"),
        pytest.param([0, 1, 2, 3, 0, 1], 2, 2, [], id="a replay on its way"),
        pytest.param([0, 1, 2, 3, 0, 1], None, 2, [], id="nobody knows where the group stands"),
        pytest.param([0, 1, 2, 3, 0, 1], 4, 1, [(0, 1, 2)], id="the group is beyond: these came twice"),
        pytest.param([0, 1, 2, 3, 1, 2, 4, 5], 6, 1, [(1, 2, 2)], id="a batch twice in between"),
        pytest.param([0, 1, 2, 3, 1, 4], 5, 1, [(1, 1, 1)], id="one outcome twice"),
        pytest.param([0, 1, 2, 3, 0, 1, 0, 2, 3, 4], 5, 2, [(0, 0, 1)], id="twice within a replay"),
        pytest.param([0, 1, 2, 3, 2, 1, 4], 5, 1, [(1, 1, 1), (2, 2, 1)], id="twice, one before the other"),
        pytest.param([5, 6, 7, 5, 6, 7], 8, 2, [], id="a group that began in the middle"),
    ],
)
def test_order(offsets: list[int], committed: int | None, passes: int, repeated: list[tuple[int, int, int]]) -> None:
    track, found = follow(offsets, committed)
    assert (track.passes, found) == (passes, repeated)
    assert track.outcomes == len(offsets)


def test_the_same_outcome_to_the_letter_was_written_twice() -> None:
    assert follow([0, 1, 1, 2], 3, ["a", "b", "b", "c"])[1] == [(1, 1, 1)]
    assert follow([0, 1, 1, 2], 3, ["a", "b", "other", "c"])[1] == []
    assert follow([0, 1, 1, 2], 3, [None] * 4)[1] == []


def test_another_model_answers_again_without_repeating() -> None:
    track = Track()
    for offset in (0, 1, 2, 3):
        track.add(offset)
    assert [list(track.add(offset, again=False)) for offset in (1, 2, 4)] == [[], [], []]
    assert track.passes == 2


@st.composite
def histories(draw: st.DrawFn) -> list[list[int]]:
    """A legal life: the group goes on, is set back, goes at least as far as it had been, and so on."""
    high = draw(st.integers(1, END))
    passes = [list(range(high))]
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, high - 1))
        high = draw(st.integers(high, high + 5))
        passes.append(list(range(start, high)))
    return passes


@given(histories())
def test_replays_are_counted_and_are_nothing_wrong(history: list[list[int]]) -> None:
    offsets = [offset for one in history for offset in one]
    track, found = follow(offsets, max(offsets) + 1)
    assert found == []
    assert track.passes == len(history)


@given(histories(), st.data())
def test_what_is_put_in_between_is_found(history: list[list[int]], data: st.DataObject) -> None:
    """Some of what was answered before, again, in the middle of a pass that then goes on."""
    last = history[-1]
    cut = data.draw(st.integers(1, len(last)))
    start = data.draw(st.integers(0, last[cut - 1] - 1)) if last[cut - 1] else None
    if start is None:
        return
    stop = data.draw(st.integers(start + 1, last[cut - 1]))
    twice = list(range(start, stop))
    offsets = [*(offset for one in history[:-1] for offset in one), *last[:cut], *twice, *last[cut:]]
    track, found = follow(offsets, max(offsets) + 1)
    assert found == [Repeat(start, stop - 1, len(twice))]
    assert track.passes == len(history)


def _spread(offsets: Sequence[int], over: int) -> Iterator[list[int]]:
    for share in range(over):
        yield [offset for offset in offsets if offset * 7 % over == share]


@given(histories(), st.integers(2, 5))
def test_outcomes_that_keys_spread_over_partitions_are_followed_each_for_itself(
    history: list[list[int]], over: int
) -> None:
    offsets = [offset for one in history for offset in one]
    for share in _spread(offsets, over):
        track, found = follow(share, max(offsets) + 1)
        assert found == []
        assert track.passes <= len(history)


def test_a_group_that_only_ever_goes_back_costs_no_memory_without_end() -> None:
    track, found = follow(list(range(5_000, 0, -1)), None)
    assert (track.passes, found) == (5_000, [])
