"""A writer that keeps rows in a list; refuses, fails or waits when the test says so."""

import threading

from sinks.postgres.rows import Rows
from sinks.postgres.writer import Written
from thumper.errors import Poison, ThumperError


class ListWriter:
    """`bad`: class names of boxes, and file names of pictures, that it refuses. `fail`: raised once each, in order."""

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.fail: list[ThumperError] = []
        self.always: ThumperError | None = None
        self.written: list[Rows] = []
        self.tries = 0
        self.gate = threading.Event()
        self.gate.set()
        self.tried = threading.Event()
        self.cancelled = False
        self.closed = False

    def write(self, rows: Rows) -> Written:
        self.tries += 1
        self.tried.set()
        self.gate.wait()
        if self.fail:
            raise self.fail.pop(0)
        if self.always is not None:
            raise self.always
        texts = {row[4] for row in rows.box} | {row[5] for row in rows.image}
        if texts & self.bad:
            raise Poison(f"refused: {sorted(str(text) for text in texts & self.bad)}")
        self.written.append(rows)
        return Written(len(rows.result), len(rows.image))

    def cancel(self) -> None:
        self.cancelled = True
        self.gate.set()

    def close(self) -> None:
        self.closed = True
