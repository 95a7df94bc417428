"""Connections and what their errors mean."""

import socket

import psycopg2
import pytest
from psycopg2 import errors
from pydantic import SecretStr
from sqlalchemy import text

from thumper.database import database_down, is_down, make_engine, translated
from thumper.errors import DatabaseDown, SettingError
from thumper.settings import Settings


def with_code(code: str) -> psycopg2.Error:
    error = errors.lookup(code)("what PostgreSQL says\nDETAIL: more")
    error.__setstate__({"pgcode": code})  # type: ignore[no-untyped-call]
    return error


def settings(url: str | None) -> Settings:
    return Settings(database_url=None if url is None else SecretStr(url))


@pytest.mark.parametrize("url", [None, "no address", "mysql://u:secret@h/d", "sqlite:///x"])
def test_an_address_that_is_none_is_refused_without_showing_its_password(url: str | None) -> None:
    with pytest.raises(SettingError, match="THUMPER_DATABASE_URL") as error:
        make_engine(settings(url))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_usual_schemes_are_understood(scheme: str) -> None:
    engine = make_engine(settings(f"{scheme}://u:p@h/d"))
    assert (engine.url.drivername, engine.url.host) == ("postgresql+psycopg2", "h")


@pytest.mark.parametrize(
    ("code", "down"),
    [
        pytest.param("08006", True, id="connection failure"),
        pytest.param("53100", True, id="disk full"),
        pytest.param("53300", True, id="too many connections"),
        pytest.param("57P03", True, id="starting up"),
        pytest.param("57014", True, id="statement timeout"),
        pytest.param("40P01", True, id="deadlock"),
        pytest.param("40001", True, id="serialization"),
        pytest.param("55P03", True, id="lock timeout"),
        pytest.param("22021", False, id="a NUL byte"),
        pytest.param("23514", False, id="a check"),
        pytest.param("42P01", False, id="no such table"),
        pytest.param("42501", False, id="no right"),
    ],
)
def test_the_servers_condition_is_told_from_the_statements_fault(code: str, down: bool) -> None:
    assert is_down(with_code(code)) is down


def test_other_errors_are_left_alone() -> None:
    assert not is_down(ValueError("x"))
    with pytest.raises(ValueError, match="x"), translated():
        raise ValueError("x")
    with pytest.raises(psycopg2.Error), translated():
        raise with_code("42P01")


def test_the_message_is_one_line_with_the_code() -> None:
    assert str(database_down(with_code("53100"))) == "PostgreSQL: what PostgreSQL says (SQLSTATE 53100)"


def test_a_database_that_is_not_there_is_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = make_engine(settings(f"postgresql://u:secret@127.0.0.1:{port}/d"))
    with pytest.raises(DatabaseDown) as error, translated(), engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert "secret" not in str(error.value)
