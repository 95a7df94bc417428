"""Looking at log files: their last lines, and what is added to them."""

import os
from pathlib import Path

# Enough for thousands of lines; a look at a huge file stays quick.
_MOST_BYTES = 1 << 20


def tail(path: Path, lines: int) -> list[str]:
    """The last `lines` lines, looking at no more than the last 1 MiB; none where there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MOST_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:] if lines > 0 else []


class Follower:
    """What is added to a file from now on, across its rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file_id, self._offset = self._look()
        self._rest = b""

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_ino, found.st_size

    def read_new(self) -> list[str]:
        """Whole lines that were added since the last call. Never blocks."""
        file_id, size = self._look()
        if file_id != self._file_id or size < self._offset:
            self._file_id, self._offset = file_id, 0
        if size == self._offset:
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = self._rest + file.read(_MOST_BYTES)
            self._offset = file.tell()
        *whole, self._rest = data.split(b"\n")
        return [line.decode("utf-8", errors="replace") for line in whole]
