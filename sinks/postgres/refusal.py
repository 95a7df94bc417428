"""What PostgreSQL's errors mean to the sink: wait, give up this row, or give up."""

import psycopg2

from thumper.database import database_down, is_down
from thumper.errors import Fatal, Poison, ThumperError

# Data exceptions, violated constraints, and a row beyond a limit of the server (an index entry, a field).
_ROWS_FAULT = ("22", "23", "54")


def judged(error: Exception) -> ThumperError:
    """`error` of a write as DatabaseDown (the same may work later), Poison (a row's fault) or Fatal."""
    if isinstance(error, UnicodeEncodeError):
        return Poison(f"text that is no Unicode: {error.reason} at {error.start}")
    if is_down(error):
        return database_down(error)
    if isinstance(error, psycopg2.Error):
        reason = _reason(error)
        if (error.pgcode or "")[:2] in _ROWS_FAULT:
            return Poison(reason)
        return Fatal(f"PostgreSQL refuses to write: {reason}", "are the tables of this release, and the rights given?")
    return Fatal(f"writing failed: {type(error).__name__}: {error}")


def _reason(error: psycopg2.Error) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"{first.strip()[:500]} (SQLSTATE {error.pgcode})"
