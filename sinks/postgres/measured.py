"""What is measured of the sink: a writer around the real one counts and times its transactions."""

from sinks.postgres.recorder import RowWriter
from sinks.postgres.rows import Rows
from sinks.postgres.writer import Written
from thumper.clock import Clock
from thumper.errors import DatabaseDown, Poison
from thumper.metering import Board
from thumper.metrics import (
    SINK_ABSORBED,
    SINK_BATCHES,
    SINK_REFUSED,
    SINK_ROWS,
    SINK_SECONDS,
    SINK_WAITING,
    SINK_WAITS,
)

# Shown before there are rows, because a rate needs the 0.
USUAL_TABLES = ("image", "result", "box")


class MeasuredWriter:
    """See RowWriter."""

    def __init__(self, writer: RowWriter, board: Board, clock: Clock) -> None:
        self._writer = writer
        self._board = board
        self._clock = clock
        self._batches = board.value(SINK_BATCHES)
        self._seconds = board.spread(SINK_SECONDS)
        self._absorbed = board.value(SINK_ABSORBED)
        self._refused = board.value(SINK_REFUSED)
        self._waits = board.value(SINK_WAITS)
        self._waiting = board.value(SINK_WAITING)
        self._rows = {table: board.value(SINK_ROWS, table) for table in USUAL_TABLES}

    def write(self, rows: Rows) -> Written:
        """See RowWriter."""
        start_s = self._clock.now_s()
        try:
            written = self._writer.write(rows)
        except DatabaseDown:
            with self._board.lock:
                self._waits.now += 1
                self._waiting.now = 1.0
            raise
        except Poison:
            with self._board.lock:
                self._refused.now += 1
            raise
        self._note(written, self._clock.now_s() - start_s)
        return written

    def cancel(self) -> None:
        """See RowWriter."""
        self._writer.cancel()

    def close(self) -> None:
        """See RowWriter."""
        self._writer.close()

    def _note(self, written: Written, took_s: float) -> None:
        for table in written.rows:
            if table not in self._rows:
                self._rows[table] = self._board.value(SINK_ROWS, table)
        with self._board.lock:
            self._batches.now += 1
            self._seconds.add(took_s)
            self._absorbed.now += written.absorbed
            self._waiting.now = 0.0
            for table, count in written.rows.items():
                self._rows[table].now += count
