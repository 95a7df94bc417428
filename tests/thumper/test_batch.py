"""When a micro-batch closes, and what it holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.batch import BatchPolicy, MicroBatcher


def batcher(max_items: int = 3, max_wait_s: float = 1.0, max_bytes: int | None = None) -> MicroBatcher[str]:
    return MicroBatcher(BatchPolicy(max_items, max_wait_s, max_bytes))


def test_an_empty_batcher_waits_for_ever_and_gives_nothing() -> None:
    empty = batcher()
    assert empty.wait_s(0.0) == math.inf
    assert empty.take() == []


@pytest.mark.parametrize(
    ("added", "now_s", "expected"),
    [
        pytest.param([(1, 0.0)], 0.0, 1.0, id="one item waits its whole time"),
        pytest.param([(1, 0.0)], 0.25, 0.75, id="the wait runs down"),
        pytest.param([(1, 0.0), (1, 0.5)], 0.5, 0.5, id="a second item does not prolong the wait of the first"),
        pytest.param([(1, 0.0)], 1.0, 0.0, id="closed by time"),
        pytest.param([(1, 0.0)], 9.0, 0.0, id="overdue is due, not negative"),
        pytest.param([(1, 0.0), (1, 0.0), (1, 0.0)], 0.0, 0.0, id="closed by count"),
        pytest.param([(10, 0.0)], 0.0, 0.0, id="closed by bytes"),
    ],
)
def test_wait(added: list[tuple[int, float]], now_s: float, expected: float) -> None:
    waiting = batcher(max_bytes=10)
    for size_bytes, at_s in added:
        waiting.add("item", size_bytes, at_s)
    assert waiting.wait_s(now_s) == expected


def test_take_leaves_the_rest_with_its_own_clock() -> None:
    waiting = batcher(max_items=2)
    for number in range(3):
        waiting.add(str(number), 1, float(number))
    assert waiting.take() == ["0", "1"]
    assert len(waiting) == 1
    assert waiting.wait_s(2.5) == 0.5


def test_a_single_item_beyond_the_byte_limit_goes_alone() -> None:
    waiting = batcher(max_bytes=10)
    waiting.add("large", 50, 0.0)
    waiting.add("small", 1, 0.0)
    assert waiting.take() == ["large"]
    assert waiting.take() == ["small"]


def test_clear_forgets_items_and_bytes() -> None:
    waiting = batcher(max_bytes=10)
    waiting.add("item", 9, 0.0)
    waiting.clear()
    assert (len(waiting), waiting.size_bytes, waiting.wait_s(5.0)) == (0, 0, math.inf)


@pytest.mark.parametrize("wrong", [(0, 1.0, None), (1, -1.0, None), (1, 1.0, 0)])
def test_a_policy_that_could_never_close_a_batch_is_refused(wrong: tuple[int, float, int | None]) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        BatchPolicy(*wrong)


@given(
    sizes=st.lists(st.integers(0, 20), max_size=60),
    max_items=st.integers(1, 9),
    max_bytes=st.none() | st.integers(1, 40),
)
def test_nothing_is_lost_doubled_or_reordered(sizes: list[int], max_items: int, max_bytes: int | None) -> None:
    waiting: MicroBatcher[int] = MicroBatcher(BatchPolicy(max_items, 1.0, max_bytes))
    for number, size_bytes in enumerate(sizes):
        waiting.add(number, size_bytes, 0.0)
    batches = []
    while batch := waiting.take():
        batches.append(batch)
        weight = sum(sizes[number] for number in batch)
        assert len(batch) <= max_items
        assert len(batch) == 1 or max_bytes is None or weight <= max_bytes
    assert [number for batch in batches for number in batch] == list(range(len(sizes)))
    assert waiting.size_bytes == 0
