"""The store of pictures: put by content, read by claim check. One folder or one bucket, plus read-only roots."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote
from uuid import uuid4

from schemas.envelope import derived_name
from thumper import claim, folder
from thumper.bucket import Bucket
from thumper.clock import Clock, SystemClock
from thumper.errors import PictureError, SettingError, StoreDown, UserError
from thumper.settings import Settings

MARKER = b".thumper-store"
# What a killed import left aside is no longer being written after this.
STALE_S = 24 * 3_600.0


class Place(Protocol):
    """Where the store's files are."""

    def read(self, names: Sequence[bytes], size_bytes: int | None, max_bytes: int) -> bytes:
        """The whole file. Raises PictureError, Retriable."""

    def has(self, names: Sequence[bytes], size_bytes: int | None = None) -> bool:
        """Whether it is there (with that size). Raises StoreDown."""

    def write(self, names: Sequence[bytes], data: bytes) -> None:
        """Whole or not at all, and durable on return. Raises StoreDown."""

    def remove(self, names: Sequence[bytes]) -> bool:
        """Delete a file, durably on return; False if there is none. Raises PictureError, StoreDown."""

    def is_empty(self) -> bool:
        """Whether a store may be made here. Raises StoreDown."""

    def names(self, below: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, ...]]:
        """Of every file below the root, or a folder in it; memory for one folder of them. Raises StoreDown."""

    def free_bytes(self) -> int | None:
        """What can still be written; None: no end known. Raises StoreDown."""


class Folder:
    """A folder as the store's place."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, names: Sequence[bytes], size_bytes: int | None, max_bytes: int) -> bytes:
        """See folder.read_file."""
        return folder.read_file(self.root, names, size_bytes, max_bytes)

    def has(self, names: Sequence[bytes], size_bytes: int | None = None) -> bool:
        """See folder.has_file."""
        return folder.has_file(self.root, names, size_bytes)

    def write(self, names: Sequence[bytes], data: bytes) -> None:
        """See folder.write_file."""
        folder.write_file(self.root, names, data)

    def remove(self, names: Sequence[bytes]) -> bool:
        """See folder.remove_file."""
        return folder.remove_file(self.root, names)

    def is_empty(self) -> bool:
        """Whether nothing lies in it; makes the folder if it is not there. Raises StoreDown."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return all(name in (".incoming", "lost+found") for name in os.listdir(self.root))  # noqa: PTH208
        except OSError as error:
            raise StoreDown(f"the store {self.root} cannot be opened: {error.strerror}") from None

    def names(self, below: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, ...]]:
        """See folder.list_files."""
        return folder.list_files(self.root, below)

    def free_bytes(self) -> int:
        """See folder.free_bytes."""
        return folder.free_bytes(self.root)


class Store:
    """Safe for threads. Opens nothing before it is used.

    A marker file in its root tells an unreachable store (a disk that is not mounted) from a missing picture.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Raises SettingError if THUMPER_STORE is neither `file:///folder` nor `s3://bucket/prefix`."""
        self.url = settings.store_url
        self._roots = settings.roots
        self._place = _place(self.url, settings.store_endpoint)
        self._clock = clock or SystemClock()

    def open(self) -> None:
        """See that the store is there. Raises StoreDown."""
        if not self._place.has((MARKER,)):
            raise StoreDown(f"{self.url} is not the store: it has no {MARKER.decode()}", "is its disk mounted?")

    def open_or_create(self, create: bool = True) -> None:
        """Open the store, or make it in an empty place. Raises StoreDown, UserError if something else lies there.

        create: False where pictures are known to lie in it: an empty place is then a disk that is not mounted.
        """
        if not create:
            self.open()
        elif self._place.is_empty():
            made = {"id": str(uuid4()), "created": self._clock.wall().isoformat()}
            self._place.write((MARKER,), json.dumps(made).encode())
        elif not self._place.has((MARKER,)):
            raise UserError(f"{self.url} is not empty and not a store", "let THUMPER_STORE name an empty folder")
        if isinstance(self._place, Folder):
            folder.sweep(self._place.root, self._clock.wall().timestamp() - STALE_S)

    def put(self, data: bytes, sha256: str, suffix: str) -> str:
        """Keep `data`, whose hash is `sha256`; its address. suffix: like `.jpg`.

        When it returns, the bytes are on the disk. What is there already, of the same size, is not written again.
        Raises StoreDown.
        """
        uri = claim.store_uri(sha256, suffix)
        names = claim.parse(uri).names
        try:
            there = self._place.has(names, len(data))
        except PictureError as error:
            raise StoreDown(f"the store cannot be written: {error.message}") from None
        if not there:
            self._place.write(names, data)
        return uri

    def read(self, uri: str, size_bytes: int | None, max_bytes: int) -> bytes:
        """The bytes at `uri`. size_bytes: what the event says, None if it does not.

        Raises PictureError (forbidden_path, missing, removed, too_large, integrity, read) for a fault of this picture;
        StoreDown if the store or the root itself is away; another Retriable for what may pass (try again, then give
        the picture up).
        """
        found = claim.parse(uri, self._roots, self.url)
        try:
            if found.root is not None:
                # Its file stays when it is removed, and must not be looked at all the same. Without the store nobody
                # knows; what is found then, the tables do not take.
                with suppress(StoreDown):
                    self._refuse_removed(uri)
                return folder.read_file(found.root, found.names, size_bytes, max_bytes)
            return self._place.read(found.names, size_bytes, max_bytes)
        except PictureError as error:
            if error.error_class == "missing":
                self._is_there(found.root)
                self._refuse_removed(uri)
            raise

    def remove(self, uri: str) -> bool:
        """Mark the picture at `uri` as removed, then delete its file if it is the store's; whether there was one.

        Interrupted, the same again does the rest. What lies under a read-only root is marked only.
        Raises PictureError if the address may not be used, StoreDown.
        """
        found = claim.parse(uri, self._roots, self.url)
        if not self._place.has(self._mark(uri)):
            self._place.write(self._mark(uri), b"")
        return found.root is None and self._place.remove(found.names)

    def is_removed(self, uri: str) -> bool:
        """Whether the picture at `uri` was marked by `remove`. Raises StoreDown."""
        return self._place.has(self._mark(uri))

    def readmit(self, uri: str) -> None:
        """Forget that mark: the picture is wanted again. Raises StoreDown."""
        self._place.remove(self._mark(uri))

    def exists(self, uri: str, size_bytes: int | None = None) -> bool:
        """Whether there is a file (of that size) at `uri`. Raises PictureError if it may not be opened, StoreDown."""
        found = claim.parse(uri, self._roots, self.url)
        if found.root is not None:
            return folder.has_file(found.root, found.names, size_bytes)
        return self._place.has(found.names, size_bytes)

    def names(self) -> Iterator[str]:
        """The name of every file in the store, as `name_of` gives it; the marker is none. Raises StoreDown."""
        return (
            claim.quoted(names) for names in self._place.names() if names != (MARKER,) and names[0] != folder.REMOVED
        )

    def marks(self) -> Iterator[str]:
        """The names of the marks of removed pictures. Raises StoreDown."""
        return (claim.quoted(names) for names in self._place.names((folder.REMOVED,)))

    def put_back(self, names: Sequence[bytes], data: Callable[[], bytes]) -> bool:
        """Keep a file of a backup under its name, unless it is there; whether it was written. Raises StoreDown."""
        if self._place.has(names):
            return False
        self._place.write(names, data())
        return True

    def name_of(self, uri: str) -> str | None:
        """The name in the store that `uri` means, percent-encoded, like `ab/ab01...jpg`; None if it is not there."""
        if (kept := claim.kept_name(uri)) is not None:
            return kept
        try:
            found = claim.parse(uri, self._roots, self.url)
        except PictureError:
            return None
        return claim.quoted(found.names) if found.root is None else None

    def free_bytes(self) -> int | None:
        """Bytes free on the store's disk; None for a bucket. Raises StoreDown."""
        return self._place.free_bytes()

    def in_place_uri(self, path: bytes) -> str:
        """The address of a file that is to stay where it is, if it can be read by that address later.

        Raises PictureError("forbidden_path") outside the roots or behind a link, and for what else may not be read.
        """
        uri = claim.file_uri(path)
        if not self.exists(uri):
            raise PictureError("missing", "it is not a regular file in its place")
        return uri

    def _mark(self, uri: str) -> tuple[bytes, ...]:
        """Where it is noted that the picture at `uri` was removed: an empty file whose name gives nothing away."""
        known = self.name_of(uri)
        name = derived_name("removed", uri if known is None else f"store:///{known}")
        return folder.REMOVED, name[:2].encode(), name.encode()

    def _refuse_removed(self, uri: str) -> None:
        if self.is_removed(uri):
            raise PictureError("removed", "the picture was removed")

    def _is_there(self, root: Path | None) -> None:
        """Raises StoreDown if what looks like a missing picture is a missing disk."""
        if root is None:
            self.open()
        elif not any(root.iterdir()):
            raise StoreDown(f"the folder {root} is empty", "is its disk mounted?")


def check_sha256(data: bytes, sha256: str) -> None:
    """Raises PictureError("integrity") if `data` is not what the event speaks of."""
    if sha256_of(data).hexdigest() != sha256:
        raise PictureError("integrity", "the picture's bytes are not those of its event: another sha256")


def _place(url: str, endpoint: str | None) -> Place:
    if url.startswith("s3://") and len(url) > len("s3://"):
        return Bucket(url, endpoint)
    if url.startswith("file:///"):
        return Folder(Path(unquote(url.removeprefix("file://"))))
    raise SettingError(f"THUMPER_STORE is {url!r}", "it must be file:///folder or s3://bucket/prefix")
