"""The ceiling on dead letters: runs and shares, the same whoever judges, and what a person allows."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.ceiling import Ceiling, CeilingPolicy, Judged
from thumper.record import Partition

ONE, TWO = Partition("images", 0), Partition("images", 1)
SMALL = CeilingPolicy(run=4, share=0.5, window=12)
BADNESS = st.lists(st.booleans(), max_size=60)


def judged(flags: Sequence[bool], start: int = 0) -> list[Judged]:
    return [Judged(start + number, bad) for number, bad in enumerate(flags)]


def first_too_much(flags: Sequence[bool], policy: CeilingPolicy) -> int | None:
    """By the words of the policy: the first record that is too much."""
    for end in range(1, len(flags) + 1):
        seen = flags[:end]
        in_a_row = next((n for n, bad in enumerate(reversed(seen)) if not bad), end)
        if seen[-1] and (in_a_row > policy.run or sum(seen[-policy.window :]) > policy.share * policy.window):
            return end - 1
    return None


@given(BADNESS)
def test_it_stops_at_the_first_record_that_is_too_much(flags: list[bool]) -> None:
    found = Ceiling(SMALL).excess(ONE, judged(flags))
    wanted = first_too_much(flags, SMALL)
    assert (found is None) == (wanted is None)
    if wanted is not None and found is not None:
        assert f"offset {wanted}:" in found


@given(BADNESS, st.lists(st.integers(1, 7), min_size=60, max_size=60), st.sets(st.integers(0, 59)))
def test_in_parts_and_over_restarts_it_judges_as_in_one_go(
    flags: list[bool], sizes: list[int], restarts: set[int]
) -> None:
    """A restart knows what the log has: the letters that were committed. Nothing past the ceiling ever is."""
    log: list[int] = []
    ceiling, at, stopped = Ceiling(SMALL), 0, None
    for number, size in enumerate(sizes):
        if number in restarts:
            ceiling = Ceiling(SMALL)
            for offset in reversed(log):
                ceiling.learn(ONE, offset)
        part = judged(flags[at : at + size], at)
        if ceiling.excess(ONE, part) is not None:
            stopped = at
            break
        for offset, bad in part:
            if bad:
                log.append(offset)
                ceiling.learn(ONE, offset)
        at += size
    wanted = first_too_much(flags, SMALL)
    assert (stopped is None) == (wanted is None)
    if wanted is not None and stopped is not None:
        assert stopped <= wanted < stopped + max(sizes)
        assert len(log) <= wanted


@given(BADNESS)
def test_good_ones_never_stop_it_and_judging_changes_nothing(flags: list[bool]) -> None:
    ceiling = Ceiling(SMALL)
    assert ceiling.excess(ONE, judged([False] * len(flags))) is None
    assert ceiling.excess(ONE, judged(flags)) == ceiling.excess(ONE, judged(flags))


def test_partitions_count_apart() -> None:
    ceiling = Ceiling(SMALL)
    for offset in range(4):
        ceiling.learn(ONE, offset)
    assert ceiling.excess(TWO, judged([True], 4)) is None
    assert ceiling.excess(ONE, judged([True], 4)) is not None


def test_what_a_person_has_allowed_does_not_count_and_it_counts_anew_behind_it() -> None:
    ceiling = Ceiling(SMALL)
    ceiling.allow(ONE, 20)
    ceiling.allow(ONE, 5)
    assert ceiling.excess(ONE, judged([True] * 24)) is None
    assert ceiling.excess(ONE, judged([True] * 25)) is not None


@given(BADNESS)
def test_a_replay_over_its_own_letters_is_judged_as_the_first_time(flags: list[bool]) -> None:
    ceiling = Ceiling(SMALL)
    fresh = ceiling.excess(ONE, judged(flags))
    for offset, bad in judged(flags):
        if bad:
            ceiling.learn(ONE, offset)
    assert ceiling.excess(ONE, judged(flags)) == fresh


@pytest.mark.parametrize(
    ("policy", "stops"),
    [
        pytest.param(CeilingPolicy(run=0, share=0), False, id="no ceiling"),
        pytest.param(CeilingPolicy(run=0, share=0.1), True, id="by share"),
        pytest.param(CeilingPolicy(run=100, share=0), True, id="by run"),
    ],
)
def test_each_ceiling_can_be_taken_away(policy: CeilingPolicy, stops: bool) -> None:
    assert (Ceiling(policy).excess(ONE, judged([True] * 300)) is not None) == stops


@given(BADNESS)
def test_what_is_forgotten_was_not_needed(flags: list[bool]) -> None:
    ceiling, lean = Ceiling(SMALL), Ceiling(SMALL)
    for offset, bad in judged(flags):
        assert lean.excess(ONE, [Judged(offset, bad)]) == ceiling.excess(ONE, [Judged(offset, bad)])
        if bad:
            ceiling.learn(ONE, offset)
            lean.learn(ONE, offset)
            lean.forget_before([(ONE, offset)])
