"""Connections to PostgreSQL: one engine builder, and one place that says what its errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from thumper.errors import DatabaseDown, SettingError
from thumper.settings import Settings

CONNECT_TIMEOUT_S = 5
# A server that vanished without a word is noticed after about 15 s instead of hours.
_KEEPALIVE = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}

# SQLSTATE classes and codes that are the server's condition, not the statement's fault: the same may work later.
_DOWN_CLASSES = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX")


def make_engine(
    settings: Settings, read_only: bool = False, statement_timeout_ms: int = 30_000, application_name: str = "thumper"
) -> Engine:
    """An engine on psycopg2; connects when first used.

    statement_timeout_ms: 0 is none. read_only: every transaction refuses to write.
    Raises SettingError if THUMPER_DATABASE_URL is missing or no PostgreSQL address.
    """
    options = [f"-c statement_timeout={statement_timeout_ms}", "-c timezone=UTC", "-c client_encoding=UTF8"]
    if read_only:
        options.append("-c default_transaction_read_only=on")
    return create_engine(
        _address(settings),
        pool_size=5,
        max_overflow=10,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": application_name,
            "options": " ".join(options),
            **_KEEPALIVE,
        },
    )


def _address(settings: Settings) -> URL:
    if settings.database_url is None:
        raise SettingError("THUMPER_DATABASE_URL is not set", "set it, or start the embedded stack (thumper up)")
    try:
        url = make_url(settings.database_url.get_secret_value())
    except ArgumentError:
        raise SettingError("THUMPER_DATABASE_URL is no address", "postgresql://user:password@host:5432/name") from None
    if url.drivername not in {"postgresql", "postgres", "postgresql+psycopg2"}:
        raise SettingError(f"THUMPER_DATABASE_URL: {url.drivername} is not PostgreSQL", "postgresql://user@host/name")
    return url.set(drivername="postgresql+psycopg2")


@contextmanager
def translated() -> Iterator[None]:
    """Whatever goes wrong inside because of the server's condition comes out as DatabaseDown; all else as it is."""
    try:
        yield
    except (DBAPIError, psycopg2.Error, PoolTimeout) as error:
        if not is_down(error):
            raise
        raise database_down(error) from error


def is_down(error: BaseException) -> bool:
    """Whether `error` (SQLAlchemy's or psycopg2's) is the server's condition, so that the same may work later."""
    if isinstance(error, PoolTimeout):
        return True
    cause = _cause(error)
    if cause is None:
        return False
    if cause.pgcode is None:
        # Without a code it never came to a statement: no connection, or it was lost on the way.
        return isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
    return cause.pgcode[:2] in _DOWN_CLASSES


def database_down(error: BaseException) -> DatabaseDown:
    """`error` in one line."""
    cause = _cause(error) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    code = getattr(cause, "pgcode", None)
    text = (lines[0] if lines else type(cause).__name__)[:500] + (f" (SQLSTATE {code})" if code else "")
    return DatabaseDown(f"PostgreSQL: {text}", "is it running, and is THUMPER_DATABASE_URL right? (thumper check)")


def _cause(error: BaseException) -> psycopg2.Error | None:
    found = error.orig if isinstance(error, DBAPIError) else error
    return found if isinstance(found, psycopg2.Error) else None
