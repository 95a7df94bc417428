"""What an address in an event may mean: a place in the store or under a configured root, and nothing else.

Pure: nothing is opened here. What opens files (thumper/folder.py) walks the names found here one by one.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from thumper.errors import PictureError

MAX_URI_CHARS = 4_096
# A file name on every usual file system has at most 255 bytes, an object's key in S3 1,024.
MAX_NAME_BYTES = 255
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
_KEPT = re.compile(r"store:///([0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Claim:
    """Where the bytes are: `names` below `root`; root None: below the store."""

    root: Path | None
    names: tuple[bytes, ...]


def store_uri(sha256: str, suffix: str) -> str:
    """The address of the picture with these bytes in the store, whatever the store's own place is.

    suffix: like `.jpg`, lower case. 256 folders keep each listing short.
    """
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"not a suffix: {suffix!r}")
    return f"store:///{sha256[:2]}/{sha256}{suffix}"


def quoted(names: Sequence[bytes]) -> str:
    """Names below the store as one text, percent-encoded."""
    return "/".join(quote_from_bytes(name, safe="") for name in names)


def kept_name(uri: str) -> str | None:
    """The part of an address of `store_uri` that names the file; None for any other address."""
    found = _KEPT.fullmatch(uri)
    return found and found[1]


def sha256_in(name: str) -> str | None:
    """The hash that a file's name like `ab/ab01...jpg` speaks of; None if it speaks of none."""
    stem = name.rpartition("/")[2].partition(".")[0]
    return stem if _SHA256.fullmatch(stem) else None


def file_uri(path: bytes) -> str:
    """The address of a file in place: absolute, percent-encoded, so that any name fits into an event.

    Raises PictureError("forbidden_path") if the address would be too long for an event.
    """
    uri = "file://" + quote_from_bytes(os.path.abspath(path), safe="/")  # noqa: PTH100 - bytes, which Path refuses
    if len(uri) > MAX_URI_CHARS:
        raise _forbidden("its path is too long to be addressed in place")
    return uri


def parse(uri: str, roots: Sequence[Path] = (), store_url: str = "") -> Claim:
    """What `uri` claims. roots: the read-only folders; store_url: under which an `s3://` address is the store's.

    Raises PictureError("forbidden_path") for everything that is not plainly inside one of them.
    """
    if len(uri) > MAX_URI_CHARS:
        raise _forbidden("it is too long")
    if any(sign in uri for sign in "\\?#\x00"):
        raise _forbidden("it holds a sign that no address of ours has")
    scheme, mark, rest = uri.partition("://")
    if not mark:
        raise _forbidden("it has no scheme; store:///, file:/// and s3:// are known")
    if scheme == "store":
        return Claim(None, _names(_local(rest)))
    if scheme == "file":
        return _under_root(_names(_local(rest)), roots)
    if scheme == "s3" and store_url.startswith("s3://") and uri.startswith(f"{store_url}/"):
        return Claim(None, _names(uri.removeprefix(f"{store_url}/")))
    raise _forbidden("only the store and configured roots may be read (THUMPER_STORE, THUMPER_ROOTS)")


def _local(rest: str) -> str:
    if not rest.startswith("/") or rest.startswith("//"):
        raise _forbidden("it names a host")
    return rest[1:]


def _names(path: str) -> tuple[bytes, ...]:
    return tuple(_name(part) for part in path.split("/"))


def _name(part: str) -> bytes:
    """One path component, decoded once. Look-alikes of dots are refused too: no file of ours has such a name."""
    name = unquote_to_bytes(part)
    looks = unicodedata.normalize("NFKC", name.decode("utf-8", "replace")).strip()
    if looks.strip(".") == "" or b"/" in name or b"\x00" in name:
        raise _forbidden("a part of its path is empty, made of dots, or holds a slash")
    if len(name) > MAX_NAME_BYTES:
        raise _forbidden("a part of its path is too long")
    return name


def _under_root(names: tuple[bytes, ...], roots: Sequence[Path]) -> Claim:
    for root in roots:
        top = tuple(os.fsencode(part) for part in root.absolute().parts[1:])
        if len(names) > len(top) and names[: len(top)] == top:
            return Claim(root.absolute(), names[len(top) :])
    raise _forbidden("it lies under no configured root (THUMPER_ROOTS)")


def _forbidden(why: str) -> PictureError:
    return PictureError("forbidden_path", f"the picture's address may not be read: {why}")
