"""Rows looked up in rising order: each is either handed out at its place or passed over, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from thumper.audit.ordered import Ordered, Place

PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=30)


@given(PLACES, PLACES)
def test_each_row_is_found_or_passed(rows: list[Place], asked: list[Place]) -> None:
    passed: list[Place] = []
    held = sorted(rows)
    ordered = Ordered(((place, n) for n, place in enumerate(held)), lambda place, _: passed.append(place))
    found = [place for place in sorted(set(asked)) if ordered.at(place) is not None]
    ordered.rest()
    assert found == sorted(set(rows) & set(asked))
    assert sorted(passed + found) == held
    assert passed == sorted(passed)
    assert ordered.count == len(rows)


def test_of_two_rows_at_one_place_the_second_is_passed() -> None:
    passed: list[object] = []
    ordered = Ordered([((0, 1), "a"), ((0, 1), "b"), ((0, 2), "c")], lambda _, row: passed.append(row))
    assert [ordered.at((0, n)) for n in range(3)] == [None, "a", "c"]
    assert passed == ["b"]
