"""What the detector's threads have in hand, in a small mapped file: a process that dies leaves it behind.

Noting costs some microseconds a batch, and no system call: pages of a mapped file outlive a killed process. They do not
outlive a loss of power, after which nobody is a suspect.
"""

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from thumper.errors import UserError
from thumper.record import Record
from thumper.topics import WORK

Place = tuple[str, int, int]
# Topic (0: none; else its number among WORK, from 1), partition, offset.
ENTRY = struct.Struct("<iiq")
MAGIC = b"thmp-in-hand-v01"
# Suspects of earlier lives, and what is in hand in this one. What finds no room is not noted.
SUSPECTS, IN_HAND = 256, 1_024
SIZE = len(MAGIC) + (SUSPECTS + IN_HAND) * ENTRY.size


def place_of(record: Record) -> Place:
    """Where a record stands."""
    return (*record.partition, record.offset)


class Hands:
    """One file for each worker. For any thread.

    suspects: what was in hand when a process of this name ended uncleanly, until it is settled.
    """

    def __init__(self, path: Path | None = None) -> None:
        """None: nothing outlives this process. Raises UserError if the file cannot be had."""
        self._lock = Lock()
        self._map = mmap.mmap(-1, SIZE) if path is None else _mapped(path)
        self._numbers = {topic: number for number, topic in enumerate(WORK, 1)}
        found = self._found() if self._map[: len(MAGIC)] == MAGIC else []
        self.suspects: dict[Place, int] = {}
        self._map[:] = MAGIC + bytes(SIZE - len(MAGIC))
        for slot, place in enumerate(found[:SUSPECTS]):
            self.suspects[place] = slot
            self._write(slot, place)
        self._free = list(range(SUSPECTS, SUSPECTS + IN_HAND))

    @contextmanager
    def holding(self, records: Sequence[Record]) -> Iterator[None]:
        """While this lasts, these are in hand."""
        with self._lock:
            slots = [self._free.pop() for _ in records[: len(self._free)]]
        for slot, record in zip(slots, records, strict=False):
            self._write(slot, place_of(record))
        try:
            yield
        finally:
            for slot in slots:
                self._write(slot, None)
            with self._lock:
                self._free += slots

    def settled(self, place: Place) -> None:
        """The outcome of a suspect is known."""
        slot = self.suspects.pop(place, None)
        if slot is not None:
            self._write(slot, None)

    def _write(self, slot: int, place: Place | None) -> None:
        at = len(MAGIC) + slot * ENTRY.size
        topic, partition, offset = ("", 0, 0) if place is None else place
        ENTRY.pack_into(self._map, at, self._numbers.get(topic, 0), partition, offset)

    def _found(self) -> list[Place]:
        entries = ENTRY.iter_unpack(self._map[len(MAGIC) :])
        places = [
            (WORK[topic - 1], partition, offset) for topic, partition, offset in entries if 0 < topic <= len(WORK)
        ]
        return list(dict.fromkeys(places))


def _mapped(path: Path) -> mmap.mmap:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if os.fstat(file.fileno()).st_size != SIZE:
                file.truncate(0)
                file.truncate(SIZE)
            return mmap.mmap(file.fileno(), SIZE)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}", "see THUMPER_DATA_DIR") from None
