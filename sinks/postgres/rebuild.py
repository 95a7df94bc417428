"""Emptying the tables, so that the log fills them again."""

from sqlalchemy import Engine, text

from thumper.database import translated
from thumper.tables import metadata


def empty_tables(engine: Engine) -> None:
    """Forget every row, the log's identity included, in one transaction. Stop the sink first, then reset its group.

    Hand resets are the only thing that the log does not bring back. Raises DatabaseDown.
    """
    names = ", ".join(sorted(metadata.tables))
    with translated(), engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text(f"TRUNCATE {names}"))
