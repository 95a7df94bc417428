"""Named statements."""

from pathlib import Path

import pytest

import sinks.postgres
from sinks.postgres.named import load_statements, named_statements


def test_statements_are_found_by_name() -> None:
    found = named_statements("-- a file\n\n-- name: one\n-- Purpose.\nSELECT 1;\n\n-- name: two\nSELECT 2;\n")
    assert found == {"one": "-- Purpose.\nSELECT 1;", "two": "SELECT 2;"}


@pytest.mark.parametrize("text", ["-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "-- name: a\n\n"])
def test_doubtful_files_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="statement a"):
        named_statements(text)


def test_every_statement_says_its_purpose() -> None:
    statements = load_statements(Path(sinks.postgres.__path__[0]) / "statements.sql")
    assert all(text.startswith("-- ") for text in statements.values())
