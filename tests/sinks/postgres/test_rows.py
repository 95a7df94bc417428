"""Which event is newer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.postgres.rows import COLUMNS, Position, Rows, newer
from thumper.tables import metadata

NOT_STAGED = {
    "place": {"place_id"},
    "active_model": {"one"},
    "image": {"hand_reset_at", "state", "taken_at", "location_id"},
}


@pytest.mark.parametrize(
    ("a", "b", "wins"),
    [
        pytest.param(Position(0, 2, 5), Position(0, 1, 9), True, id="same partition: offset, whatever the clock says"),
        pytest.param(Position(0, 1, 9), Position(0, 1, 9), False, id="the same event"),
        pytest.param(Position(1, 1, 9), Position(0, 7, 8), True, id="another partition: the broker's time"),
        pytest.param(Position(1, 1, 8), Position(0, 7, 8), True, id="the same millisecond: the higher partition"),
        pytest.param(Position(0, 7, 8), Position(1, 1, 8), False, id="the same millisecond, the other way round"),
    ],
)
def test_newer(a: Position, b: Position, wins: bool) -> None:
    assert newer(a, b) is wins


# A log: in each partition the broker's time does not go back.
log = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12)


@given(log)
def test_newer_is_a_total_order_on_a_log(steps: list[tuple[int, int]]) -> None:
    positions: list[Position] = []
    last = {0: (0, 0), 1: (0, 0), 2: (0, 0)}
    for partition, passed in steps:
        offset, ms = last[partition]
        last[partition] = (offset + 1, ms + passed)
        positions.append(Position(partition, offset, ms + passed))
    for a in positions:
        for b in positions:
            assert (newer(a, b) + newer(b, a)) == (a != b)
            assert all(newer(a, c) for c in positions if newer(a, b) and newer(b, c))


def test_every_staged_column_is_one_of_the_tables() -> None:
    for table, columns in COLUMNS.items():
        known = set(metadata.tables[table].columns.keys())
        assert set(columns) == known - NOT_STAGED.get(table, set())
        assert hasattr(Rows(), table)
