"""A database with the tables, and a look at all its rows, for the sink's tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, text

from sinks.postgres.fold import Item
from sinks.postgres.migrate import migrate
from sinks.postgres.recorder import write_items
from sinks.postgres.writer import PostgresWriter, Written
from thumper.database import make_engine
from thumper.settings import Settings
from thumper.tables import metadata


class Tables:
    """An engine, a writer, and shortcuts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine: Engine = make_engine(settings)
        self.writer = PostgresWriter(self.engine)

    def write(self, *items: Item) -> Written:
        return write_items(self.writer, items)

    def ask(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def do(self, statement: str, **values: object) -> int:
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values).rowcount

    def rows(self, *without: str) -> dict[str, list[str]]:
        """Every row of every table as text, sorted."""
        names = sorted(set(metadata.tables) - set(without))
        rows = {name: self.ask(f"SELECT t::text FROM {name} AS t") for name in names}  # noqa: S608 - our own names
        return {name: sorted(str(row[0]) for row in found) for name, found in rows.items()}

    def clear(self) -> None:
        """Empty all tables; a DELETE is quicker than TRUNCATE where there are few rows."""
        with self.engine.begin() as connection:
            for name in metadata.tables:
                connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - our own names

    def wrong_counters(self) -> Sequence[tuple[Any, ...]]:
        """Where counters and a recount differ."""
        recount = """
            SELECT coalesce(location_id, '00000000-0000-0000-0000-000000000000') AS location_id, log_partition,
                log_offset / 4096 AS block, state, count(*) AS pictures
            FROM image GROUP BY 1, 2, 3, 4
        """
        counter = "SELECT location_id, log_partition, block, state, pictures FROM counter"
        return self.ask(f"(({recount}) EXCEPT ({counter})) UNION ALL (({counter}) EXCEPT ({recount}))")

    def wrong_states(self) -> Sequence[tuple[Any, ...]]:
        """Where rows and the rules differ."""
        return self.ask(
            "SELECT i.image_id, i.state, n.state FROM image i JOIN image_state_now n USING (image_id) "
            "JOIN image_description_now d USING (image_id) WHERE i.state <> n.state "
            "OR (i.location_id, i.taken_at) IS DISTINCT FROM (d.location_id, d.taken_at)"
        )


@contextmanager
def tables(url: str) -> Iterator[Tables]:
    """The newest schema in the empty database at `url`."""
    settings = Settings(database_url=SecretStr(url))
    migrate(settings)
    found = Tables(settings)
    try:
        yield found
    finally:
        found.writer.close()
        found.engine.dispose()
