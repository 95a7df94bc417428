"""Named points in a part's work, and orders for it there: to die, or to freeze. Files, so that a running part hears.

The harness gives an order, the part carries it out when it comes by the point, and notes that it did. Nothing of it is
in the product: tests/faults/hooks.py wraps the product's pieces.
"""

import json
import os
import signal
from collections import Counter
from pathlib import Path

DETECTOR_POINTS = (
    "before_begin",
    "after_produce",
    "after_flush",
    "after_send_offsets",
    "during_commit",
    "after_commit",
)
SINK_POINTS = ("before_copy", "in_copy", "after_copy", "between_commits")
IMPORT_POINTS = ("after_store", "after_produce")
POINTS = {"detector": DETECTOR_POINTS, "sink": SINK_POINTS, "import": IMPORT_POINTS}

DIE, FREEZE = "die", "freeze"
_SIGNALS = {DIE: signal.SIGKILL, FREEZE: signal.SIGSTOP}
_HITS = "hits.jsonl"


class Orders:
    """One folder of orders. `role` and `name` say who reads it here."""

    def __init__(self, folder: Path, role: str = "", name: str = "") -> None:
        self.folder = folder
        self._role = role
        self._name = name

    # The harness's side.

    def give(self, name: str, point: str, do: str) -> None:
        """Have the part `name` do DIE or FREEZE when it next comes by `point`."""
        aside = self.folder / f".{name}.{point}"
        aside.write_text(do, "ascii")
        aside.rename(self._path(name, point))

    def withdraw(self, name: str, point: str) -> bool:
        """Take an order back; False if it was carried out."""
        try:
            self._path(name, point).unlink()
        except FileNotFoundError:
            return False
        return True

    def is_open(self, name: str, point: str) -> bool:
        """Whether the order waits to be carried out."""
        return self._path(name, point).exists()

    def hits(self) -> Counter[tuple[str, str]]:
        """How often each (role, point) was hit."""
        try:
            lines = (self.folder / _HITS).read_text("ascii").splitlines()
        except FileNotFoundError:
            return Counter()
        return Counter((hit["role"], hit["point"]) for hit in map(json.loads, lines))

    # The part's side.

    def wanted(self, point: str) -> bool:
        """Whether there is an order for this part at `point`."""
        return self.is_open(self._name, point)

    def pass_by(self, point: str) -> None:
        """Carry out the order that waits at `point`, if there is one."""
        path = self._path(self._name, point)
        try:
            do = path.read_text("ascii")
            path.unlink()
        except FileNotFoundError:
            return
        line = json.dumps({"role": self._role, "name": self._name, "point": point, "do": do}) + "\n"
        with (self.folder / _HITS).open("a", encoding="ascii") as file:
            file.write(line)
        os.kill(os.getpid(), _SIGNALS[do])

    def _path(self, name: str, point: str) -> Path:
        return self.folder / f"{name}.{point}"
