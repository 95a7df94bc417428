"""A set of offsets in bits behaves as a set of numbers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.audit.bits import Bits

SIZE = 300


@given(st.lists(st.integers(0, SIZE - 1)), st.integers(0, SIZE), st.integers(0, SIZE + 20))
def test_it_is_a_set(offsets: list[int], start: int, stop: int) -> None:
    bits, known = Bits(SIZE), set[int]()
    for offset in offsets:
        assert bits.add(offset) == (offset not in known)
        known.add(offset)
    assert [n for n in range(-2, SIZE + 10) if n in bits] == sorted(known)
    assert bits.first() == min(known, default=SIZE)
    ranges = list(bits.missing(start, stop))
    assert [n for low, high in ranges for n in range(low, high)] == [
        n for n in range(start, min(stop, SIZE)) if n not in known
    ]
    assert all(low < high for low, high in ranges)
    assert all(before[1] < after[0] for before, after in pairwise(ranges)), "ranges are whole"


def test_what_is_beyond_its_size_is_no_offset_of_it() -> None:
    with pytest.raises(IndexError):
        Bits(8).add(8)
    assert list(Bits(0).missing(0, 10)) == []
    assert Bits(0).first() == 0
