"""A picture's bytes, read once and checked: what is hashed here is what gets decoded."""

import hashlib
import threading
from collections.abc import Callable

from processors.detector.task import Task
from thumper.clock import Clock
from thumper.errors import PictureError, StoreDown

# reader(uri, size_bytes): raises PictureError for a fault of the picture, StoreDown if the store is away, anything
# else for what may pass.
Reader = Callable[[str, int | None], bytes]

RETRY_AFTER_S = (0.1, 0.4)
# So many in a row are no accident: the store is not what it was.
MISSING_IN_A_ROW = 50


class Reading:
    """Reads for all decoding threads."""

    def __init__(self, reader: Reader, clock: Clock, missing_in_a_row: int = MISSING_IN_A_ROW) -> None:
        """missing_in_a_row: after so many the store is taken to be away; 0: never."""
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._missing = 0
        self._most_missing = missing_in_a_row

    def fetch(self, task: Task) -> bytes:
        """The bytes that `task` speaks of. Blocks.

        Raises PictureError (missing, integrity, read, ...) for a fault of this picture, StoreDown for one of the store.
        """
        try:
            data = self._read(task)
        except PictureError as error:
            self._count(missing=error.error_class == "missing", uri=task.uri)
            raise
        self._count(missing=False, uri=task.uri)
        found = hashlib.sha256(data).hexdigest()
        if found != task.sha256:
            raise PictureError("integrity", f"the file was changed or damaged: its sha256 is {found}")
        return data

    def _read(self, task: Task) -> bytes:
        for wait_s in (*RETRY_AFTER_S, None):
            try:
                return self._reader(task.uri, task.size_bytes)
            except (PictureError, StoreDown):
                raise
            except Exception as error:  # Whatever a file system or a bucket's client raises; most of it passes.
                if wait_s is None:
                    tries = len(RETRY_AFTER_S) + 1
                    raise PictureError("read", f"cannot be read, tried {tries} times: {error}") from error
                self._clock.sleep(wait_s)
        raise AssertionError("unreachable")

    def _count(self, *, missing: bool, uri: str) -> None:
        with self._lock:
            self._missing = self._missing + 1 if missing else 0
            if 0 < self._most_missing <= self._missing:
                raise StoreDown(
                    f"{self._missing} pictures in a row are missing, the last one {uri}",
                    "see that the disk or bucket with the pictures is there and complete; "
                    "if they are gone for good, start with THUMPER_MISSING_IN_A_ROW=0",
                )
