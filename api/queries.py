"""The read side: named statements of queries.sql, run in short read-only transactions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, RowMapping, TextClause, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from api.status import Counts, Tally
from thumper.database import is_down
from thumper.errors import DatabaseDown
from thumper.record import Partition
from thumper.tables import BLOCK, COMPLETED, FAILED, NOWHERE, TODO

Row = RowMapping
# A page of 1,000 takes milliseconds; what takes longer than this would take the database from the sink.
STATEMENT_TIMEOUT_MS = 5_000


class Unanswered(DatabaseDown):
    """The database did not answer; the message names no address and no secret."""


@contextmanager
def snapshot(engine: Engine, timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Iterator["Reader"]:
    """One consistent view of the tables (repeatable read, read only). Raises Unanswered."""
    with answering(), engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            connection.execute(text("SELECT set_config('statement_timeout', :value, true)"), {"value": str(timeout_ms)})
            yield Reader(connection)


@contextmanager
def answering() -> Iterator[None]:
    """Turns what the database driver raises into Unanswered."""
    try:
        yield
    except PoolTimeoutError:
        raise Unanswered("all connections to PostgreSQL are in use", "ask again in a moment") from None
    except ProgrammingError as error:
        raise Unanswered(
            f"PostgreSQL refuses a query ({type(error.orig).__name__}): are the tables there, and may they be read?",
            "start the sink, which makes them; `thumper check` says what is missing",
        ) from error
    except DBAPIError as error:
        if type(error.orig).__name__ == "QueryCanceled":
            raise Unanswered("PostgreSQL took too long", "ask for less, or again in a moment") from error
        if not is_down(error):
            raise
        raise Unanswered("PostgreSQL does not answer", "is it running? `thumper check`") from error


class Reader:
    """Statements by name, on one connection, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, name: str, **values: object) -> Sequence[Row]:
        """All rows of the statement called `name`."""
        return self._connection.execute(statements()[name], values).mappings().all()

    def row(self, name: str, **values: object) -> Row | None:
        """The first row, or None."""
        return self._connection.execute(statements()[name], values).mappings().first()

    def recorded(self) -> dict[Partition, int]:
        """The next offset that the sink has not recorded, for each partition that it has recorded any of."""
        return {Partition(row["topic"], row["log_partition"]): row["next_offset"] for row in self.rows("recorded")}

    def counts(self, committed: Mapping[int, int]) -> Counts:
        """Image rows cut at `committed`: the live group's position by partition of `images`."""
        recorded = self.recorded()
        found = self.rows("tallies", block_size=BLOCK, nowhere=NOWHERE, **positions(committed))
        by_place = [row for row in found if row["location_id"] is not None]
        return Counts(_by_place(by_place), _done_ahead(row for row in found if row["location_id"] is None), recorded)


def positions(committed: Mapping[int, int]) -> dict[str, Any]:
    """`committed` as the parameters that the statements take."""
    return {"partitions": list(committed), "offsets": list(committed.values())}


@cache
def statements() -> Mapping[str, TextClause]:
    """The statements of queries.sql by name; comment lines left out."""
    source = files("api").joinpath("queries.sql").read_text("utf-8")
    parts = (part.split("\n", 1) for part in source.split("-- name: ")[1:])
    return {name.strip(): text(_code(body)) for name, body in parts}


def _code(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip().rstrip(";")


def _by_place(rows: Sequence[Row]) -> Mapping[UUID, Tally]:
    tallies: dict[UUID, Tally] = {}
    for row in rows:
        place, behind = row["location_id"], row["behind"]
        found = Tally(
            ahead=row["ahead"],
            todo=behind if row["state"] == TODO else 0,
            completed=behind if row["state"] == COMPLETED else 0,
            failed=behind if row["state"] == FAILED else 0,
        )
        tallies[place] = tallies.get(place, Tally()) + found
    return tallies


def _done_ahead(rows: Iterator[Row]) -> Mapping[int, int]:
    done: dict[int, int] = {}
    for row in rows:
        if row["state"] != TODO:
            done[row["log_partition"]] = done.get(row["log_partition"], 0) + row["ahead"]
    return done
