"""Files below one folder, opened so that no name, link or special file can lead outside or block.

Every step is taken relative to an open folder and follows no link, so nothing can be swapped in between.
"""

import errno
import math
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from thumper.errors import PictureError, Retriable, StoreDown

_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without waiting: opening a named pipe would otherwise block until somebody writes into it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_MISSING = {errno.ENOENT, errno.ENAMETOOLONG}
_FORBIDDEN = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.EISDIR}
_DENIED = {errno.EACCES, errno.EPERM}
INCOMING = b".incoming"
REMOVED = b".removed"
# Folders in a store's root that hold no pictures: what is written aside, marks of removed pictures, and what a file
# system keeps for itself.
NOT_OURS = (INCOMING, REMOVED, b"lost+found")


def read_file(root: Path, names: Sequence[bytes], size_bytes: int | None, max_bytes: int) -> bytes:
    """The bytes of the file at `names` below `root`.

    size_bytes: what it must have; None: any, up to max_bytes.
    Raises PictureError (missing, forbidden_path, too_large, integrity, read), Retriable for what may pass (I/O error,
    too many open files), StoreDown if `root` itself cannot be opened.
    """
    with _opened_root(root) as top:
        try:
            with _opened(top, names) as file:
                return _read_regular(file, size_bytes, max_bytes)
        except OSError as error:
            raise picture_error(error) from None


def has_file(root: Path, names: Sequence[bytes], size_bytes: int | None = None) -> bool:
    """Whether a regular file (of that size) is there.

    Raises PictureError if it may not be opened, Retriable for what may pass, StoreDown if `root` cannot be opened.
    """
    with _opened_root(root) as top:
        try:
            with _opened(top, names) as file:
                status = os.fstat(file)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise picture_error(error) from None
    return stat.S_ISREG(status.st_mode) and size_bytes in (None, status.st_size)


def write_file(root: Path, names: Sequence[bytes], data: bytes) -> None:
    """Put `data` at `names` below `root`: written aside, synced, renamed, its folder synced.

    A reader sees either nothing or the whole file, also after a loss of power. Raises StoreDown.
    """
    try:
        with _opened_root(root) as top, _folder(top, INCOMING) as aside, _folders(top, names[:-1]) as target:
            name = names[-1] + b"." + secrets.token_hex(8).encode()
            try:
                _write_synced(aside, name, data)
                os.rename(name, names[-1], src_dir_fd=aside, dst_dir_fd=target)
            except BaseException:
                _remove(aside, name)
                raise
            os.fsync(target)
    except OSError as error:
        raise StoreDown(f"cannot write into the store: {error.strerror}", _hint(error)) from None


def remove_file(root: Path, names: Sequence[bytes]) -> bool:
    """Delete the file at `names` below `root`, durably; False if there is none.

    Raises PictureError if it may not be deleted, StoreDown if `root` cannot be opened or written.
    """
    with _opened_root(root) as top:
        try:
            with _opened(top, names[:-1], _STEP) as at:
                os.unlink(names[-1], dir_fd=at)
                os.fsync(at)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno in _FORBIDDEN:
                raise picture_error(error) from None
            raise StoreDown(f"cannot delete in the store: {error.strerror}") from None
    return True


def list_files(root: Path, below: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, ...]]:
    """The names, below `root`, of everything in it but folders; no link is followed, what is written aside left out.

    below: only what lies in this folder of it; its names come with them.
    One folder's listing is in memory at a time. What vanishes meanwhile is passed over. Raises StoreDown.
    """
    waiting = [below]
    while waiting:
        at = waiting.pop()
        try:
            with os.scandir(os.path.join(os.fsencode(root), *at)) as entries:  # noqa: PTH118 - bytes
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            if at and isinstance(error, FileNotFoundError):
                continue
            raise StoreDown(f"the store's folder cannot be listed: {error.strerror}", "is its disk mounted?") from None
        for name, is_folder in found:
            if is_folder and (at or name not in NOT_OURS):
                waiting.append((*at, name))
            elif not is_folder:
                yield (*at, name)


def sweep(root: Path, older_than_s: float) -> int:
    """Remove what killed writers left aside, last changed before `older_than_s` (seconds since 1970); how many."""
    with _opened_root(root) as top, _folder(top, INCOMING) as aside:
        names = [os.fsencode(name) for name in os.listdir(aside)]  # noqa: PTH208 - Path cannot list an open folder
        stale = [name for name in names if _changed_s(aside, name) < older_than_s]
        for name in stale:
            _remove(aside, name)
    return len(stale)


def _changed_s(folder: int, name: bytes) -> float:
    """When it was changed last; in the far future if it is not there any more: its writer has just moved it."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return math.inf


def free_bytes(root: Path) -> int:
    """Bytes that an ordinary user can still write on the disk of `root`. Raises StoreDown."""
    try:
        disk = os.statvfs(root)
    except OSError as error:
        raise StoreDown(f"cannot ask the disk of {root}: {error.strerror}") from None
    return disk.f_bavail * disk.f_frsize


@contextmanager
def _opened_root(root: Path) -> Iterator[int]:
    # The root itself is the operator's and may be a link.
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreDown(f"the folder {root} cannot be opened: {error.strerror}", "is its disk mounted?") from None
    try:
        yield top
    finally:
        os.close(top)


@contextmanager
def _opened(top: int, names: Sequence[bytes], last: int = _READ) -> Iterator[int]:
    """The file at `names`, open for reading; or, with _STEP as `last`, the folder."""
    at = os.dup(top)
    try:
        for number, name in enumerate(names):
            flags = last if number == len(names) - 1 else _STEP
            following = os.open(name, flags, dir_fd=at)
            os.close(at)
            at = following
        yield at
    finally:
        os.close(at)


@contextmanager
def _folder(top: int, name: bytes) -> Iterator[int]:
    """The folder `name` in the open folder `top`; made, and synced, if it is not there."""
    try:
        found = os.open(name, _STEP, dir_fd=top)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another thread may be faster
            os.mkdir(name, 0o700, dir_fd=top)
        os.fsync(top)
        found = os.open(name, _STEP, dir_fd=top)
    try:
        yield found
    finally:
        os.close(found)


@contextmanager
def _folders(top: int, names: Sequence[bytes]) -> Iterator[int]:
    if not names:
        yield top
        return
    with _folder(top, names[0]) as inner, _folders(inner, names[1:]) as last:
        yield last


def _read_regular(file: int, size_bytes: int | None, max_bytes: int) -> bytes:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("forbidden_path", "the picture's address is not a regular file")
    if status.st_size > max_bytes:
        raise PictureError("too_large", f"the file has {status.st_size} bytes; the limit is {max_bytes}")
    if size_bytes is not None and status.st_size != size_bytes:
        raise PictureError("integrity", f"the file has {status.st_size} bytes; its event says {size_bytes}")
    data = _read_up_to(file, status.st_size + 1)
    if len(data) != status.st_size:
        raise PictureError("read", "the file changed while it was read")
    return data


def _read_up_to(file: int, limit: int) -> bytes:
    parts = []
    while limit and (data := os.read(file, limit)):
        parts.append(data)
        limit -= len(data)
    return b"".join(parts)


def _write_synced(folder: int, name: bytes, data: bytes) -> None:
    file = os.open(name, _WRITE, 0o600, dir_fd=folder)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)


def _remove(folder: int, name: bytes) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def picture_error(error: OSError) -> PictureError | Retriable:
    """What an error of the operating system at a picture means: the picture's fault, or something that may pass."""
    if error.errno in _MISSING:
        return PictureError("missing", "the picture's file is not there")
    if error.errno in _FORBIDDEN:
        return PictureError("forbidden_path", "the picture's address leads through a link or is not a file")
    if error.errno in _DENIED:
        return PictureError("read", "the picture's file may not be read: no rights")
    return Retriable(f"the picture's file cannot be read: {error.strerror}")


def _hint(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: make room, then the same again"
    return ""
