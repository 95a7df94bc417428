"""The threads of an import: they read, hash and keep pictures, and answer; what they have in hand is bounded."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from queue import Empty, SimpleQueue
from typing import Protocol
from uuid import UUID

from producers.exif import Metadata, read_metadata
from producers.find import Found
from producers.reading import Unreadable, read_file
from schemas.image import image_id
from thumper.errors import PictureError, StoreDown

# Enough to keep all threads at work and to ask the database for many pictures at once.
MAX_IN_HAND = 256
MAX_BYTES_IN_HAND = 256 << 20
# Handing one picture to another thread costs as much as reading a small one.
TOGETHER = 8


class PictureStore(Protocol):
    """Where pictures are kept (thumper.store.Store). For many threads."""

    def put(self, data: bytes, sha256: str, suffix: str) -> str:
        """Keep the bytes; their address. Raises StoreDown."""
        ...

    def readmit(self, uri: str) -> None:
        """Forget that the picture at this address was removed. Raises StoreDown."""
        ...

    def in_place_uri(self, path: bytes) -> str:
        """The address of a file that stays where it is. Raises PictureError."""
        ...

    def free_bytes(self) -> int | None:
        """What the store's disk has left; None: no end known."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """How pictures are kept. in_place: where they are. dry_run: not at all. reserve_bytes: left free on the disk.

    even_removed: some of them were removed before, and are wanted again.
    """

    store: PictureStore
    in_place: bool = False
    dry_run: bool = False
    reserve_bytes: int = 0
    max_picture_bytes: int = 200_000_000
    even_removed: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """A file's bytes are in memory."""

    found: Found
    data: bytes
    sha256: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture is in its place, durably."""

    read: Read
    metadata: Metadata
    uri: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A file cannot be imported. number: the system's errno, or 0; id: None if it could not even be read."""

    found: Found
    reason: str
    number: int = 0
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """The store is away: keep it again later."""

    read: Read
    error: StoreDown


Answer = Read | Kept | Failed | Postponed


class Hands:
    """For one thread that asks and hears; the work is done in others."""

    def __init__(self, keeping: Keeping, pool: ThreadPoolExecutor) -> None:
        self.busy = 0
        self._busy_bytes = 0
        self._keeping = keeping
        self._pool = pool
        self._to_read: list[Found] = []
        self._answers: SimpleQueue[list[Answer]] = SimpleQueue()

    def has_room(self, size_bytes: int) -> bool:
        """Whether one more picture may be taken; always, if nothing is in hand."""
        fits = self.busy < MAX_IN_HAND and self._busy_bytes + size_bytes <= MAX_BYTES_IN_HAND
        return fits or self.busy == 0

    def read(self, found: Found) -> None:
        """Have a file read and hashed, at the latest after `hurry`; the answer is Read or Failed."""
        self.busy += 1
        self._busy_bytes += found.size_bytes
        self._to_read.append(found)
        if len(self._to_read) >= TOGETHER:
            self.hurry()

    def hurry(self) -> None:
        """Begin with what was asked, however little it is."""
        if self._to_read:
            asked, self._to_read = self._to_read, []
            self._pool.submit(self._read_all, asked)

    def keep(self, reads: Sequence[Read]) -> None:
        """Have pictures looked at and put in their places; the answers are Kept, Failed or Postponed."""
        for at in range(0, len(reads), TOGETHER):
            self._pool.submit(self._keep_all, reads[at : at + TOGETHER])

    def let_go(self, found: Found) -> None:
        """Nothing more is to be done with this file."""
        self.busy -= 1
        self._busy_bytes -= found.size_bytes

    def answers(self, wait_s: float) -> list[Answer]:
        """What is done, in any order; waits for the first."""
        found: list[Answer] = []
        with suppress(Empty):
            found.extend(self._answers.get(timeout=wait_s))
            while len(found) < MAX_IN_HAND:
                found.extend(self._answers.get_nowait())
        return found

    def _read_all(self, asked: Sequence[Found]) -> None:
        self._answers.put([self._read(found) for found in asked])

    def _keep_all(self, asked: Sequence[Read]) -> None:
        self._answers.put([self._keep(read) for read in asked])

    def _read(self, found: Found) -> Answer:
        try:
            data = read_file(found.path, self._keeping.max_picture_bytes)
        except Unreadable as error:
            return Failed(found, error.reason, error.number)
        digest = sha256(data).hexdigest()
        return Read(found, data, digest, image_id(digest))

    def _keep(self, read: Read) -> Answer:
        try:
            metadata = read_metadata(read.data, read.found.name)
            uri = self._place(read, metadata.suffix)
            if self._keeping.even_removed and not self._keeping.dry_run:
                self._keeping.store.readmit(uri)
            return Kept(read, metadata, uri)
        except PictureError as error:
            return Failed(read.found, error.message, id=read.id)
        except StoreDown as error:
            return Postponed(read, error)

    def _place(self, read: Read, suffix: str) -> str:
        keeping = self._keeping
        if keeping.in_place:
            return keeping.store.in_place_uri(read.found.path)
        if keeping.dry_run:
            return ""
        free = keeping.store.free_bytes()
        if free is not None and free - len(read.data) < keeping.reserve_bytes:
            raise StoreDown(
                f"the store's disk has {free:,} bytes left, its reserve is {keeping.reserve_bytes:,}",
                "make room, or import with --in-place",
            )
        return keeping.store.put(read.data, read.sha256, suffix)


@contextmanager
def many_hands(keeping: Keeping, threads: int) -> Iterator[Hands]:
    """Hands with that many threads; waits for them at the end."""
    with ThreadPoolExecutor(threads, "import") as pool:
        yield Hands(keeping, pool)
