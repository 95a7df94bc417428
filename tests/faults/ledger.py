"""The harness's own books, outside of Kafka and the database: what was acknowledged, and what was done when."""

import json
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from schemas.image import ImageImported, image_id
from tests.faults.evidence import Reset, Sample
from tests.faults.stub import picture
from thumper.clock import Clock

PLACES = ("Hayfield", "270_Jason", "Sanctuary")


class Acked(NamedTuple):
    """An event that the broker has acknowledged. number: of the picture, by its file's name."""

    image_id: str
    number: int


class Ledger:
    """A file to which each line is added by one write, so that a killed writer loses none that it has noted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, event: ImageImported) -> None:
        """The broker has this event."""
        number = int(Path(event.filename or "").stem)
        _append(self.path, {"image_id": str(event.image), "number": number})

    def read(self) -> list[Acked]:
        """All that is noted."""
        return [Acked(line["image_id"], line["number"]) for line in _lines(self.path)]

    def count(self) -> int:
        """How many lines there are now: at least so many events are in the log."""
        try:
            return self.path.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0


class Books:
    """All that the harness knows by itself. What it holds grows; `folder` is for the files.

    tried: image id to number of every picture that may be in the log. complete: of all that an import has reported as
    done. resets: of the detector's group. broken: what parts have said that no part may say.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.history = History(folder / "history.jsonl", clock)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.tried: dict[str, int] = {}
        self.complete: dict[str, int] = {}
        self.samples: list[Sample] = []
        self.resets: list[Reset] = []
        self.broken: list[str] = []

    def card(self, count: int) -> tuple[Path, dict[str, int]]:
        """A card of pictures that were never seen; their image ids and numbers."""
        first = len(self.tried)
        card = self.folder / "cards" / str(first)
        found: dict[str, int] = {}
        for number in range(first, first + count):
            data = picture(number)
            place = card / PLACES[number % len(PLACES)]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.png").write_bytes(data)
            found[str(image_id(sha256(data).hexdigest()))] = number
        self.tried.update(found)
        return card, found

    def acked(self) -> dict[str, int]:
        """Image id to number of all that must be there."""
        return {line.image_id: line.number for line in self.ledger.read()} | self.complete


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
