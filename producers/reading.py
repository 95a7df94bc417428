"""One file from a card into memory, bounded, and why not if not."""

import errno
import os
import stat

# What a card that was pulled out, or a share that went away, answers; a single file may answer so too.
GONE = {errno.ENODEV, errno.EIO, errno.ENXIO, errno.ENOENT, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN}


class Unreadable(Exception):
    """One file that cannot be imported. number: the system's errno, 0 if the file itself is at fault."""

    def __init__(self, reason: str, number: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


def read_file(path: bytes, max_bytes: int) -> bytes:
    """All bytes of the regular file at `path`. Raises Unreadable."""
    try:
        # Without waiting: a named pipe with a picture's name must not stop the import.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(file, max_bytes)
        finally:
            os.close(file)
    except OSError as error:
        raise Unreadable(_reason(error), error.errno or 0) from None


def _read(file: int, max_bytes: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file")
    if status.st_size > max_bytes:
        raise Unreadable(f"{status.st_size:,} bytes are more than {max_bytes:,} (THUMPER_MAX_PICTURE_BYTES)")
    parts, left = [], status.st_size + 1
    while left and (part := os.read(file, left)):
        parts.append(part)
        left -= len(part)
    data = b"".join(parts)
    if len(data) != status.st_size:
        raise Unreadable("it changed while it was read")
    return data


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "it vanished after it was listed"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no rights to read it"
    return f"it cannot be read: {error.strerror}"
