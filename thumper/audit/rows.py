"""The tables as the audit sees them: one snapshot, read only, streamed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import ProgrammingError

from thumper.audit.ordered import Place
from thumper.database import make_engine, translated
from thumper.errors import UserError
from thumper.record import Partition
from thumper.settings import Settings

AT_ONCE = 5_000
# Sorting ten million rows by their place in the log: fewer, longer runs on the database's disk.
_SETTINGS = (
    "SELECT set_config('work_mem', '64MB', true), set_config('idle_in_transaction_session_timeout', '0', true), "
    "set_config('jit', 'off', true)"
)
_UNDEFINED_TABLE = "42P01"


class Tables:
    """Named statements on one connection, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stream(self, name: str, **values: object) -> Iterator[Any]:
        """The rows of a statement, a few thousand in memory at a time; several streams may be open."""
        yield from self._connection.execute(_statements()[name], values, execution_options={"yield_per": AT_ONCE})

    def placed(self, name: str) -> Iterator[tuple[Place, Any]]:
        """The same, for statements whose first two columns are a place."""
        for row in self.stream(name):
            yield (row[0], row[1]), row

    def all(self, name: str, **values: object) -> list[Any]:
        """All rows of a small answer."""
        return list(self._connection.execute(_statements()[name], values))

    def recorded(self) -> dict[Partition, int]:
        """The next offset that is not recorded, for each partition of which any is."""
        return {Partition(topic, number): offset for topic, number, offset in self.all("recorded")}

    def removals(self) -> dict[str, int]:
        """The broker's time of each picture's newest removal. Memory: some 150 bytes for each."""
        return {row.image_id: row.log_ms for row in self.all("removals")}

    def identity(self) -> dict[str, tuple[str, str]]:
        """Cluster id and topic id by topic; empty before the sink has ever run."""
        return {topic: (cluster, found) for topic, cluster, found in self.all("identity")}


@contextmanager
def snapshot(settings: Settings) -> Iterator[Tables]:
    """One consistent view of the tables, for as long as it takes. Raises DatabaseDown, UserError without tables."""
    engine = make_engine(settings, read_only=True, statement_timeout_ms=0, application_name="thumper verify")
    try:
        with translated(), engine.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                connection.execute(text(_SETTINGS))
                yield Tables(connection)
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) != _UNDEFINED_TABLE:
            raise
        raise UserError("the database has no tables yet", "`thumper up` or `thumper init` makes them") from None
    finally:
        engine.dispose()


@cache
def _statements() -> Mapping[str, TextClause]:
    source = files("thumper.audit").joinpath("statements.sql").read_text("utf-8")
    parts = (part.split("\n", 1) for part in source.split("-- name: ")[1:])
    return {name.strip(): text(_code(body)) for name, body in parts}


def _code(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip().rstrip(";")
