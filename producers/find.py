"""Pictures below folders: an iterator with flat memory, safe against link loops, odd names and vanishing folders."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from producers.names import folder_name, is_camera_folder, location_name, place_path
from thumper.errors import UserError

SUFFIXES = frozenset((b".jpg", b".jpeg", b".png", b".tif", b".tiff", b".webp", b".heic", b".heif"))
# What systems put on cards, beside everything that starts with a dot (`.Trashes`, `._IMG_1.JPG`).
JUNK = frozenset(
    (b"system volume information", b"$recycle.bin", b"found.000", b"lost+found", b"thumbs.db", b"desktop.ini")
)
# One folder's names are sorted in portions of this many: a card has at most 9,999 in a folder, so there it sorts all,
# while a folder with a million costs no more memory than this.
PORTION = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """A file with a picture's name. path: as the system gives it; name: what it is remembered by."""

    path: bytes
    location: str
    name: str
    size_bytes: int
    mtime_s: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """A folder or file that cannot be looked at, and why. number: the system's errno, 0 if it is none of its errors."""

    path: bytes
    reason: str
    number: int = 0


@dataclass(slots=True)
class Skipped:
    """What was passed over, and how often."""

    other_files: int = 0
    hidden: int = 0
    repeated_folders: int = 0


@dataclass(frozen=True, slots=True)
class _Branch:
    """A folder to be walked. name: its path from the location's folder on; top: its sub-folders are locations."""

    path: bytes
    name: bytes
    location: str
    top: bool

    def into(self, base: bytes) -> "_Branch":
        path = self.path.rstrip(b"/") + b"/" + base
        if self.top and not is_camera_folder(base):
            return _Branch(path, base, location_name(base), top=False)
        return _Branch(path, self.name + b"/" + base, self.location, top=False)


@dataclass(slots=True)
class Finder:
    """Walks `folders`. Without `location`, each sub-folder is a location, and a folder's own pictures bear its name.

    Links to folders are followed, but no folder is entered twice, so a loop of links ends.
    """

    folders: Sequence[bytes]
    location: str | None = None
    skipped: Skipped = field(default_factory=Skipped)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def __iter__(self) -> Iterator[Found | Trouble]:
        """Every picture once; starts anew each time."""
        self.skipped = Skipped()
        self._seen = set()
        for folder in self.folders:
            own = folder_name(folder)
            # A stack and no recursion: folders may be nested deeper than Python's calls may be.
            waiting = [_Branch(folder, own, self.location or location_name(own), top=self.location is None)]
            while waiting:
                branch = waiting.pop()
                if self._enter(branch.path):
                    inner: list[bytes] = []
                    yield from self._list(branch, inner)
                    waiting.extend(branch.into(base) for base in sorted(inner, reverse=True))

    def _list(self, branch: "_Branch", inner: list[bytes]) -> Iterator[Found | Trouble]:
        """What lies directly in one folder; the names of its sub-folders go to `inner`."""
        try:
            with os.scandir(branch.path) as entries:
                while portion := sorted(islice(entries, PORTION), key=lambda entry: entry.name):
                    for entry in portion:
                        yield from self._look(entry, branch, inner)
        except OSError as error:
            yield Trouble(branch.path, f"the folder cannot be read: {error.strerror}", error.errno or 0)

    def _look(self, entry: os.DirEntry[bytes], branch: "_Branch", inner: list[bytes]) -> Iterator[Found | Trouble]:
        if entry.name.startswith(b".") or entry.name.lower() in JUNK:
            self.skipped.hidden += 1
            return
        try:
            if entry.is_dir():
                inner.append(entry.name)
                return
            if os.path.splitext(entry.name)[1].lower() not in SUFFIXES:  # noqa: PTH122 - bytes
                self.skipped.other_files += 1
                return
            status = entry.stat()
        except OSError as error:
            yield Trouble(entry.path, _why(error), error.errno or 0)
            return
        if not stat.S_ISREG(status.st_mode):
            yield Trouble(entry.path, "not a regular file")
            return
        path = place_path(branch.name + b"/" + entry.name)
        yield Found(entry.path, branch.location, path, status.st_size, status.st_mtime)

    def _enter(self, folder: bytes) -> bool:
        """Whether the folder is new. One that cannot be looked at counts as new: listing it says why."""
        try:
            status = os.stat(folder)  # noqa: PTH116 - bytes
        except OSError:
            return True
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            self.skipped.repeated_folders += 1
            return False
        self._seen.add(key)
        return True


@dataclass(slots=True)
class Survey:
    """What a walk would read: how many pictures of how many bytes, and which volume each folder lies on."""

    pictures: int = 0
    size_bytes: int = 0
    skipped: Skipped = field(default_factory=Skipped)


def survey(finder: Finder) -> Survey:
    """Walk once without reading any file, so that people hear what is coming and the disk can be asked."""
    found = Survey()
    for item in finder:
        if isinstance(item, Found):
            found.pictures += 1
            found.size_bytes += item.size_bytes
    found.skipped = finder.skipped
    return found


@dataclass(frozen=True, slots=True)
class Source:
    """A folder as it was at the start: another volume there later means that the card was pulled."""

    folder: bytes
    volume: int

    def is_there(self) -> bool:
        """Whether the same volume is still there and can be listed."""
        try:
            with os.scandir(self.folder) as entries:
                next(entries, None)
            return os.stat(self.folder).st_dev == self.volume  # noqa: PTH116 - bytes
        except OSError:
            return False


def open_source(folder: bytes) -> Source:
    """See that `folder` can be listed. Raises UserError that says which folder and why not."""
    try:
        with os.scandir(folder):
            return Source(folder, os.stat(folder).st_dev)  # noqa: PTH116 - bytes
    except FileNotFoundError:
        raise UserError(
            f"there is no folder {place_path(folder)}", "check the spelling; is the card mounted?"
        ) from None
    except NotADirectoryError:
        raise UserError(f"{place_path(folder)} is a file", "name the folder that it lies in") from None
    except PermissionError:
        raise UserError(f"no rights to read the folder {place_path(folder)}", "ask its owner, or copy it") from None
    except OSError as error:
        raise UserError(f"the folder {place_path(folder)} cannot be read: {error.strerror}", "check the card") from None


def _why(error: OSError) -> str:
    return "a link to nothing" if isinstance(error, FileNotFoundError) else f"cannot be looked at: {error.strerror}"
