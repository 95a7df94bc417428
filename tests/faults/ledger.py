"""The harness's own books, outside of Kafka and the database: what was acknowledged, and what was done when."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from schemas.image import ImageImported
from thumper.clock import Clock


class Acked(NamedTuple):
    """An event that the broker has acknowledged. number: of the picture, by its file's name."""

    image_id: str
    number: int


class Ledger:
    """A file to which each line is added by one write, so that a killed writer loses none that it has noted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, event: ImageImported) -> None:
        """The broker has this event."""
        number = int(Path(event.filename or "").stem)
        _append(self._path, {"image_id": str(event.image), "number": number})

    def read(self) -> list[Acked]:
        """All that is noted."""
        return [Acked(line["image_id"], line["number"]) for line in _lines(self._path)]

    def count(self) -> int:
        """How many lines there are now: at least so many events are in the log."""
        try:
            return self._path.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0


class History:
    """Append-only JSONL of operations: invoke, then ok, fail or info (nobody knows whether it was done)."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._start_s = clock.now_s()
        self._lock = threading.Lock()

    def note(self, op: str, how: str, **more: Any) -> None:
        """One line. how: invoke, ok, fail or info."""
        with self._lock:
            _append(self.path, {"at_s": round(self._clock.now_s() - self._start_s, 3), "op": op, "how": how, **more})

    def count(self, op: str, how: str) -> int:
        """How many such lines."""
        return sum(line["op"] == op and line["how"] == how for line in _lines(self.path))


def _append(path: Path, line: dict[str, Any]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, json.dumps(line).encode() + b"\n")
    finally:
        os.close(file)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return
    # A line that is being written is no line yet.
    for line in text.rpartition("\n")[0].splitlines():
        yield json.loads(line)
