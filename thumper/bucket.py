"""Objects below one prefix of an S3 bucket, read bounded and written whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import fsspec  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

from thumper.errors import PictureError, Retriable, StoreDown

CONNECT_S = 5
READ_S = 60


class Bucket:
    """An S3 prefix. Credentials come from the usual AWS places; the endpoint only from settings, never from an event.

    Keys are used as they are: S3 knows no `..` and no links, so a key cannot lead outside its bucket.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        """url: `s3://bucket/prefix`. Opens nothing."""
        self._prefix = url.removeprefix("s3://").rstrip("/")
        self._endpoint = endpoint
        self._opened: Any = None

    def read(self, names: Sequence[bytes], size_bytes: int | None, max_bytes: int) -> bytes:
        """The object's bytes, in one request that asks for no more than one byte too many.

        Raises PictureError (missing, too_large, integrity), Retriable for what may pass.
        """
        if size_bytes is not None and size_bytes > max_bytes:
            raise PictureError("too_large", f"the picture has {size_bytes} bytes; the limit is {max_bytes}")
        limit = max_bytes if size_bytes is None else size_bytes
        try:
            data: bytes = self._files.cat_file(self._key(names), start=0, end=limit + 1)
        except FileNotFoundError:
            raise PictureError("missing", "the picture's object is not there") from None
        except (OSError, BotoCoreError) as error:
            raise self._reading(names, error) from None
        if size_bytes is not None and len(data) != size_bytes:
            raise PictureError("integrity", f"the object has another size than the {size_bytes} bytes of its event")
        if len(data) > max_bytes:
            raise PictureError("too_large", f"the object has more than the limit of {max_bytes} bytes")
        return data

    def has(self, names: Sequence[bytes], size_bytes: int | None = None) -> bool:
        """Whether there is an object (of that size). Raises StoreDown."""
        with _answers():
            try:
                found = self._files.info(self._key(names), refresh=True)
            except FileNotFoundError:
                return False
        return found["type"] == "file" and size_bytes in (None, found["size"])

    def write(self, names: Sequence[bytes], data: bytes) -> None:
        """Put the object; S3 shows it whole or not at all. Raises StoreDown."""
        with _answers():
            self._files.pipe_file(self._key(names), data)

    def remove(self, names: Sequence[bytes]) -> bool:
        """Delete the object; False if there is none. Raises StoreDown."""
        there = self.has(names)
        with _answers():
            if there:
                self._files.rm_file(self._key(names))
        return there

    def is_empty(self) -> bool:
        """Whether nothing lies below the prefix. Raises StoreDown, also if there is no such bucket."""
        with _answers():
            try:
                self._files.info(self._prefix.partition("/")[0], refresh=True)
            except FileNotFoundError:
                raise StoreDown(f"there is no bucket {self._prefix.partition('/')[0]}", "make it first") from None
            try:
                return not self._files.find(self._prefix, maxdepth=1)
            except FileNotFoundError:
                return True

    def names(self, below: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, ...]]:
        """The names, below the prefix, of all objects; one level's listing is in memory at a time. Raises StoreDown."""
        waiting = [self._key(below)]
        while waiting:
            at = waiting.pop()
            with _answers():
                try:
                    found = self._files.ls(at, detail=True, refresh=True)
                except FileNotFoundError:
                    continue
            for entry in found:
                name: str = entry["name"].rstrip("/")
                if name == at:
                    continue  # an object that only marks its folder
                if entry["type"] == "directory":
                    waiting.append(name)
                elif name.startswith(f"{self._prefix}/"):
                    yield tuple(part.encode() for part in name.removeprefix(f"{self._prefix}/").split("/"))

    def free_bytes(self) -> None:
        """Unknown: a bucket has no end."""

    @property
    def _files(self) -> Any:
        # Made at the first use: building it looks for credentials, and starts fsspec's thread.
        if self._opened is None:
            self._opened = fsspec.filesystem(
                "s3",
                endpoint_url=self._endpoint,
                use_listings_cache=False,
                skip_instance_cache=True,
                config_kwargs={"connect_timeout": CONNECT_S, "read_timeout": READ_S, "retries": {"max_attempts": 2}},
            )
        return self._opened

    def _key(self, names: Sequence[bytes]) -> str:
        try:
            return "/".join((self._prefix, *(name.decode() for name in names)))
        except UnicodeDecodeError:
            raise PictureError("forbidden_path", "the picture's address is not UTF-8") from None

    def _reading(self, names: Sequence[bytes], error: Exception) -> PictureError | Retriable:
        """What a failed read means; an empty object has no first byte, which S3 calls an invalid range."""
        if isinstance(error, PermissionError):
            return PictureError("read", "the picture's object may not be read: no rights")
        if "range" in str(error).lower() and self.has(names, 0):
            return PictureError("integrity", "the object is empty")
        return Retriable(f"the picture's object cannot be read: {type(error).__name__}")


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (OSError, BotoCoreError) as error:
        raise StoreDown(f"the bucket does not answer: {error}", "see THUMPER_STORE_ENDPOINT and credentials") from None
