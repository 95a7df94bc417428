"""Rows as COPY reads them."""

from datetime import datetime

import pytest
from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB

from sinks.postgres.copy_text import copy_text
from sinks.postgres.rows import COLUMNS
from thumper.tables import metadata


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(None, "None", id="nothing"),
        pytest.param("None", "\\None", id="a place called None"),
        pytest.param("", "", id="empty text"),
        pytest.param("a\tb\nc\rd", "a\\tb\\nc\\rd", id="separators"),
        pytest.param("\\.", "\\\\.", id="COPY's own end mark"),
        pytest.param("\\N", "\\\\N", id="COPY's usual null"),
        pytest.param("Hügel 🦌", "Hügel 🦌", id="beyond ASCII"),
    ],
)
def test_text(value: str | None, written: str) -> None:
    line = copy_text("place", [("id", None, value, None, 1, 2, 3)]).decode()
    assert line == f"id\tNone\t{written}\tNone\t1\t2\t3\n"


def test_numbers_and_times_keep_all_their_digits() -> None:
    row = ("id", "l", "c", datetime(2025, 1, 2, 3, 4, 5, 6), None, -(10**9), 1, 2**62, 3)
    assert copy_text("deployment", [row]) == (
        b"id\tl\tc\t2025-01-02 03:04:05.000006\tNone\t-1000000000\t1\t4611686018427387904\t3\n"
    )
    assert b"\t0.1\t1e-07\t" in copy_text("box", [("i", "m", 0, 1, "doe", 0.1, 1e-07, 0.0, 1.0, 1.0)])


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        copy_text("recorded", [("\ud800", 0, 1, 2)])


def test_every_column_that_can_hold_text_is_looked_at() -> None:
    for table, columns in COLUMNS.items():
        kinds = [metadata.tables[table].c[column].type for column in columns]
        line = copy_text(table, [tuple("\\" if isinstance(kind, Text | JSONB) else 0 for kind in kinds)])
        assert line == "\t".join("\\\\" if isinstance(kind, Text | JSONB) else "0" for kind in kinds).encode() + b"\n"
