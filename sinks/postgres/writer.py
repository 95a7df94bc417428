"""The only writer of the tables: rows to COPY into temporary tables, one upsert per table, one transaction."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2's classes have lower-case names
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - see above
from sqlalchemy import Engine

from sinks.postgres.copy_text import NULL, copy_text
from sinks.postgres.named import load_statements
from sinks.postgres.refusal import judged
from sinks.postgres.rows import COLUMNS, Row, Rows
from thumper.removals import Removals

# Index scans over a few thousand keys beat reading a table of millions; the default assumes a spinning disk.
_SESSION = "SET random_page_cost = 1.1; SET synchronous_commit = on; SET jit = off; SET lock_timeout = %s"
# A lock that is held longer than this is a person's open transaction: let go of ours, and try again later.
LOCK_TIMEOUT_MS = 10_000
# Temporary tables are never vacuumed, so a session with some may not live on for as long as transaction numbers last.
MOST_WRITES = 100_000
# Deleting is quick, but leaves the rows' space to be read over; truncating makes new files, which takes milliseconds a
# table. So many rows were deleted, or are to be, at the most.
MOST_DELETED = 1_000


@dataclass(frozen=True, slots=True)
class Written:
    """What one transaction changed. absorbed: rows that were in the tables already, or older than those there.

    rows: new and newer rows by table, where there are any.
    """

    results: int = 0
    images: int = 0
    absorbed: int = 0
    rows: Mapping[str, int] = field(default_factory=dict, compare=False)


class Unaware(Exception):
    """These rows were made without knowing of some removals; nothing was written. Make them again with `removals`."""

    def __init__(self, removals: Removals) -> None:
        super().__init__(f"{len(removals)} pictures were removed")
        self.removals = removals


class PostgresWriter:
    """One connection, made when first needed and again after it was lost. One thread writes; `cancel` is for others."""

    def __init__(self, engine: Engine, lock_timeout_ms: int = LOCK_TIMEOUT_MS) -> None:
        self._engine = engine
        self._lock_timeout_ms = lock_timeout_ms
        self._statements = load_statements(Path(__file__).with_name("statements.sql"))
        self._connection: Connection | None = None
        self._writes = 0
        self._deleted = 0

    def write(self, rows: Rows) -> Written:
        """Write `rows` in one transaction; the same rows again change nothing, and older ones never win.

        Blocks until the database has committed. Raises DatabaseDown (nothing was written, or that is unknown: write
        the same again), Unaware, Poison (a row cannot be stored; nothing was written) or Fatal.
        """
        try:
            connection = self._connected()
            with connection.cursor() as cursor:
                self._deleted += sum(len(content) for _, content in rows.filled())
                wholly = self._deleted > MOST_DELETED
                written = _Transaction(cursor, self._statements).run(rows, wholly)
            connection.commit()
            self._deleted = 0 if wholly else self._deleted
        except Unaware:
            self._undo()
            raise
        except Exception as error:
            self._undo()
            raise judged(error) from error
        return written

    def cancel(self) -> None:
        """Interrupt a write in progress, from another thread; it raises DatabaseDown there."""
        connection = self._connection
        if connection is not None and not connection.closed:
            connection.cancel()

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        self._writes += 1
        if self._writes % MOST_WRITES == 0:
            self.close()
        if self._connection is None:
            connection = self._new_connection()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_SESSION, (self._lock_timeout_ms,))
                    cursor.execute(self._statements["staging"])
                connection.commit()
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _new_connection(self) -> Connection:
        raw = self._engine.raw_connection()
        connection = raw.driver_connection
        # Out of the pool for good: a connection with staging tables is nobody else's.
        raw.detach()
        if not isinstance(connection, Connection):
            raise TypeError(f"the sink writes with psycopg2, not with {type(connection).__name__}")
        return connection

    def _undo(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except psycopg2.Error:
            self.close()
        else:
            if self._connection.closed:
                self.close()


class _Transaction:
    """The steps of one write, in the order of statements.sql."""

    def __init__(self, cursor: Cursor, statements: dict[str, str]) -> None:
        self._cursor = cursor
        self._statements = statements
        self._rows: Counter[str] = Counter()
        self._staged: set[str] = set()

    def run(self, rows: Rows, wholly: bool) -> Written:
        """Write. wholly: whether the staging tables are truncated at the end."""
        self._run("one_writer")
        for table, content in rows.filled():
            if table != "box":
                self._copy(f"stage_{table}", table, content)
        self._removals(rows)
        reactivated = self._facts(rows)
        if rows.request_state:
            self._write("request_state", "upsert_request_state")
        results = self._results(rows)
        images = self._images(rows)
        self._states(rows, results, reactivated)
        if rows.recorded:
            self._run("upsert_recorded")
        self._empty(wholly)
        absorbed = len(rows.result) + len(rows.image) - results - images
        return Written(results, images, absorbed, +self._rows)

    def _removals(self, rows: Rows) -> None:
        """Forget pictures, and see that no other removal speaks of these rows. Raises Unaware."""
        if rows.removed:
            self._staged.add("stage_gone")
            self._write("removed", "upsert_removed")
            self._run("delete_removed")
        if self._ask("any_removed"):
            self._run("removals_touched")
            found = {str(image_id): int(ms) for image_id, ms in self._cursor.fetchall()}
            new = {image_id: ms for image_id, ms in found.items() if ms > rows.removals.get(image_id, -1)}
            if new:
                raise Unaware(new)

    def _facts(self, rows: Rows) -> bool:
        """Write statements; whether another model is the active one now."""
        for table, content, statement in (
            ("location", rows.location, "upsert_location"),
            ("deployment", rows.deployment, "upsert_deployment"),
            ("place", rows.place, "upsert_place"),
            ("correction", rows.correction, "insert_correction"),
            ("model", rows.model, "upsert_model"),
        ):
            if content:
                self._write(table, statement)
        return bool(rows.active_model) and self._write("active_model", "upsert_active_model") > 0

    def _results(self, rows: Rows) -> int:
        """Write outcomes and their boxes; how many rows got a newer outcome."""
        if not rows.result:
            return 0
        self._staged |= {"stage_applied", "stage_better"}
        applied = self._write("result", "upsert_result")
        self._run("count_fresh_results")
        if self._count() == len(rows.result):
            if rows.box:
                self._copy("box", "box", rows.box)
                self._rows["box"] += len(rows.box)
            return applied
        if rows.box:
            self._copy("stage_box", "box", rows.box)
        self._run("update_good_result")
        self._run("delete_replaced_boxes")
        self._write("box", "insert_boxes")
        return applied

    def _images(self, rows: Rows) -> int:
        """Write pictures, their places and times; how many rows are new or newer."""
        applied, known = 0, False
        if rows.image:
            self._run("upsert_image")
            applied, fresh = self._cursor.fetchone() or (0, 0)
            known = fresh < len(rows.image)
            self._rows["image"] += applied
        if known:
            self._write("place", "upsert_place_of_later_event")
            self._run("update_first_event")
        if rows.deployment:
            self._run("describe_deployed_images")
        if known or rows.correction or (rows.image and self._ask("anything_to_describe")):
            self._run("describe_images")
        return applied

    def _states(self, rows: Rows, results: int, reactivated: bool) -> None:
        if results:
            self._run("end_hand_resets")
        if reactivated:
            # One statement over all pictures takes as long as it takes.
            self._cursor.execute("SET LOCAL statement_timeout = 0")
            self._run("update_all_states")
        elif results or rows.image or rows.request_state:
            self._run("update_touched_states")

    def _empty(self, wholly: bool) -> None:
        if not wholly:
            self._run("empty_staging")
        elif self._staged:
            self._cursor.execute(f"TRUNCATE {', '.join(sorted(self._staged))}")

    def _copy(self, target: str, table: str, rows: Sequence[Row]) -> None:
        if target.startswith("stage_"):
            self._staged.add(target)
        columns = ", ".join(COLUMNS[table])
        content = io.BytesIO(copy_text(table, rows))
        self._cursor.copy_expert(f"COPY {target} ({columns}) FROM STDIN WITH (NULL '{NULL}')", content)

    def _write(self, table: str, statement: str) -> int:
        """Run `statement`; how many rows of `table` it wrote."""
        count = self._run(statement)
        self._rows[table] += count
        return count

    def _run(self, statement: str) -> int:
        self._cursor.execute(self._statements[statement])
        return self._cursor.rowcount

    def _ask(self, statement: str) -> bool:
        self._run(statement)
        return bool((self._cursor.fetchone() or (False,))[0])

    def _count(self) -> int:
        return int((self._cursor.fetchone() or (0,))[0])
