"""Emptying the tables, so that the log fills them again."""

from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from thumper.database import translated
from thumper.errors import UserError
from thumper.tables import metadata

_UNDEFINED_TABLE = "42P01"


class Held(NamedTuple):
    """How many rows there are. hand_resets: what a rebuild forgets."""

    pictures: int
    results: int
    boxes: int
    hand_resets: int


def held(engine: Engine) -> Held:
    """Count. Raises DatabaseDown; UserError if there are no tables."""
    counts = "SELECT (SELECT count(*) FROM image), (SELECT count(*) FROM result), (SELECT count(*) FROM box)"
    resets = "(SELECT count(*) FROM image WHERE hand_reset_at IS NOT NULL)"
    try:
        with translated(), engine.connect() as connection:
            return Held(*connection.execute(text(f"{counts}, {resets}")).one())
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != _UNDEFINED_TABLE:
            raise
        raise UserError("the database has no tables yet", "`thumper up` or `thumper init` makes them") from None


def empty_tables(engine: Engine) -> None:
    """Forget every row, the log's identity included, in one transaction. Stop the sink first, then reset its group.

    Hand resets are the only thing that the log does not bring back. Raises DatabaseDown.
    """
    names = ", ".join(sorted(metadata.tables))
    with translated(), engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text(f"TRUNCATE {names}"))
