"""The schedule: the same seed gives the same faults, and every point comes equally often."""

from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as some

from tests.faults.orders import POINTS
from tests.faults.schedule import KINDS, STRIKES, Step, steps

seeds = some.integers(0, 2**32 - 1)
DECK = sum(len(POINTS.get(kind.removeprefix("crash_"), ("",))) for kind in KINDS)


def first(seed: int, count: int, kinds: tuple[str, ...] = KINDS) -> list[Step]:
    return list(islice(steps(seed, kinds), count))


@given(seeds)
def test_the_same_seed_gives_the_same_schedule(seed: int) -> None:
    assert first(seed, 100) == first(seed, 100)


@given(seeds, seeds)
def test_another_seed_gives_another(one: int, other: int) -> None:
    assert one == other or first(one, 60) != first(other, 60)


@given(seeds, some.integers(1, 4))
def test_after_so_many_decks_everything_has_come_so_often(seed: int, decks: int) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for step in steps(seed):
        found.update((fault.kind, fault.point if "crash" in fault.kind else "") for fault in step.faults)
        if found.total() == decks * DECK:
            break
    assert set(found.values()) == {decks}
    assert {kind for kind, _ in found} == set(KINDS)
    for role, points in POINTS.items():
        assert {point for kind, point in found if kind == f"crash_{role}"} == set(points)


@given(seeds)
def test_together_come_only_faults_that_strike_different_things(seed: int) -> None:
    for step in first(seed, 100):
        struck = [what for fault in step.faults for what in STRIKES[fault.kind]]
        assert len(struck) == len(set(struck))
        assert 0 <= step.pause_s < 2
        assert 1 <= len(step.faults) <= 2


@given(seeds, some.sets(some.sampled_from(KINDS), min_size=1))
def test_only_the_kinds_that_are_asked_for_come(seed: int, kinds: set[str]) -> None:
    assert {fault.kind for step in first(seed, 60, tuple(kinds)) for fault in step.faults} <= kinds


def test_some_come_together_and_some_alone() -> None:
    sizes = Counter(len(step.faults) for step in first(1, 400))
    assert sizes[1] > sizes[2] > 20
