"""What errors mean to the sink."""

import psycopg2
import pytest
from psycopg2 import errors

from sinks.postgres.refusal import judged
from thumper.errors import DatabaseDown, Fatal, Poison, ThumperError


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        pytest.param("53100", DatabaseDown, id="disk full"),
        pytest.param("40P01", DatabaseDown, id="deadlock"),
        pytest.param("22P05", Poison, id="untranslatable character"),
        pytest.param("23502", Poison, id="not null"),
        pytest.param("54000", Poison, id="index entry too large"),
        pytest.param("42P01", Fatal, id="no such table"),
    ],
)
def test_meaning(code: str, meaning: type[ThumperError]) -> None:
    error = errors.lookup(code)("\nfirst line\nsecond line")
    error.__setstate__({"pgcode": code})  # type: ignore[no-untyped-call]
    found = judged(error)
    assert isinstance(found, meaning)
    assert f"first line (SQLSTATE {code})" in str(found)


def test_a_lost_connection_has_no_code() -> None:
    assert isinstance(judged(psycopg2.OperationalError("server closed the connection")), DatabaseDown)
    assert isinstance(judged(psycopg2.InterfaceError("connection already closed")), DatabaseDown)


def test_text_that_cannot_be_encoded_is_the_rows_fault() -> None:
    with pytest.raises(UnicodeEncodeError) as error:
        "\ud800".encode()
    assert isinstance(judged(error.value), Poison)


def test_what_nobody_thought_of_ends_the_process() -> None:
    assert isinstance(judged(KeyError("x")), Fatal)
