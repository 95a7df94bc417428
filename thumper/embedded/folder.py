"""The data folder: made private, checked for rights and room, used by one `up` or `down` at a time."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thumper.errors import UserError

# Fresh Kafka and PostgreSQL folders take some 60 MB, and a full disk stops both at once.
NEEDED_BYTES = 512 << 20
# The system's limit for a unix socket's path is 108 bytes; supervisord first binds one with a pid behind it.
_LONGEST_SOCKET = 90


def prepare(data_dir: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    """Make the folder and its private parts. Raises UserError when it cannot be used."""
    if any(part in str(data_dir) for part in ("\n", "\r", " ;", " #")):
        raise UserError(
            f"the data folder's name {str(data_dir)!r} cannot be used", "leave out line breaks, ' ;' and ' #'"
        )
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_rights(data_dir)
        for name in ("logs", "run"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the data folder {data_dir} cannot be used: {os.strerror(error.errno or 0)}",
            "set THUMPER_DATA_DIR to a folder that you may write to"
            if error.errno != errno.ENOSPC
            else "free some disk, or set THUMPER_DATA_DIR to a folder on another one",
        ) from error
    check_disk(data_dir, needed_bytes)


def _check_rights(data_dir: Path) -> None:
    owner = data_dir.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise UserError(
            f"the data folder {data_dir} belongs to user {owner}: files made by root would lock them out",
            f"run this as that user (sudo -u '#{owner}' ...), or set THUMPER_DATA_DIR to another folder",
        )
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(data_dir))


def check_disk(folder: Path, needed_bytes: int) -> None:
    """Raise UserError when less than that is free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise UserError(
            f"the disk of {folder} is full: {free >> 20} MiB free, {needed_bytes >> 20} MiB needed to start",
            "free some disk, or set THUMPER_DATA_DIR to a folder on another one",
        )


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the folder for one `up` or `down`. Raises UserError when another one is at work."""
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "?"
            raise UserError(
                f"another `thumper up` or `thumper down` is at work in {data_dir} (process {pid})",
                "wait until it has ended",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def socket_path(data_dir: Path) -> Path:
    """Where the supervisor's socket goes: in the data folder, or in a private one with a shorter name."""
    inside = data_dir / "run" / "supervisor.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET:
        return inside
    return Path(tempfile.mkdtemp(prefix="thumper-")) / "supervisor.sock"
