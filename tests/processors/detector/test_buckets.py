"""Frames wait with those of their own shape."""

import math

from hypothesis import given
from hypothesis import strategies as st

from processors.detector.buckets import Buckets
from thumper.batch import BatchPolicy

WIDE, TALL = (384, 640), (640, 384)


def buckets(most: int = 2) -> Buckets[str]:
    return Buckets(BatchPolicy(most, max_wait_s=1.0))


def test_empty_waits_for_ever() -> None:
    empty = buckets()
    assert (len(empty), empty.wait_s(0.0), empty.take(0.0)) == (0, math.inf, [])


def test_shapes_do_not_mix() -> None:
    waiting = buckets()
    waiting.add(WIDE, "w1", 0.0)
    waiting.add(TALL, "t1", 0.1)
    assert waiting.wait_s(0.1) == 0.9
    waiting.add(TALL, "t2", 0.2)
    assert waiting.wait_s(0.2) == 0.0
    assert waiting.take(0.2) == ["t1", "t2"]
    assert waiting.take(0.2) == ["w1"]


def test_of_two_due_ones_the_older_goes_first() -> None:
    waiting = buckets()
    waiting.add(WIDE, "w1", 0.0)
    for name in ("t1", "t2"):
        waiting.add(TALL, name, 0.5)
    assert waiting.take(2.0) == ["w1"]


def test_add_says_when_a_look_is_worth_it() -> None:
    waiting = buckets(most=3)
    assert [waiting.add(WIDE, name, 0.0) for name in "abc"] == [True, False, True]


@given(st.lists(st.sampled_from([WIDE, TALL, (640, 640)]), max_size=50), st.integers(1, 5))
def test_nothing_is_lost_and_each_batch_has_one_shape(shapes: list[tuple[int, int]], most: int) -> None:
    waiting: Buckets[tuple[tuple[int, int], int]] = Buckets(BatchPolicy(most, 1.0))
    for number, shape in enumerate(shapes):
        waiting.add(shape, (shape, number), float(number))
    batches = []
    while batch := waiting.take(0.0):
        batches.append(batch)
        assert len({shape for shape, _ in batch}) == 1
        assert len(batch) <= most
    assert sorted(number for batch in batches for _, number in batch) == list(range(len(shapes)))


def test_clear_forgets() -> None:
    waiting = buckets()
    waiting.add(WIDE, "w1", 0.0)
    waiting.clear()
    assert len(waiting) == 0
