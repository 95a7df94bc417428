"""Files of a backup's log: one a partition and run of `thumper backup`, gzip of one JSON object a line, in log order.

    {"o": offset, "t": broker's time in ms, "k": key, "v": value, "h": [[name, value], ...]}

Bytes that are UTF-8 stand as text, others as {"b64": "..."}, and what is null as null: byte for byte what was there.
`zcat` and `jq` read it. Offsets rise; those that are missing were markers of transactions, aborted, or deleted.
"""

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from thumper.errors import UserError

# A third of the time of the default (9), and 5 % larger.
LEVEL = 3
CHUNK = 1 << 20


class Entry(NamedTuple):
    """One record. timestamp_ms: the broker's."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: the records of a partition at offsets [start, end). sha256: of the file."""

    file: str
    topic: str
    partition: int
    start: int
    end: int
    records: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def write_segment(path: Path, entries: Iterable[Entry]) -> tuple[int, str]:
    """Write a file, whole or not at all; how many records, and its SHA-256. Memory for one record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    count = 0
    # Without a time in its head, the same records give the same file.
    with aside.open("wb") as raw, gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed:
        for entry in entries:
            packed.write(_line(entry))
            count += 1
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(path)
    return count, sha256_of(path)


def read_segment(path: Path) -> Iterator[Entry]:
    """The records of a file, one in memory. Raises UserError if it is damaged."""
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                yield _entry(json.loads(line))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the backup's file {path} is damaged: {error}") from None


def sha256_of(path: Path) -> str:
    """Of a whole file. Raises UserError if it cannot be read."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                found.update(data)
    except OSError as error:
        raise UserError(f"the backup's file {path} cannot be read: {error.strerror}") from None
    return found.hexdigest()


def _line(entry: Entry) -> bytes:
    line = {
        "o": entry.offset,
        "t": entry.timestamp_ms,
        "k": _told(entry.key),
        "v": _told(entry.value),
        "h": [[name, _told(value)] for name, value in entry.headers],
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _told(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(data).decode("ascii")}


def _bytes(told: Any) -> bytes | None:
    if told is None:
        return None
    if isinstance(told, str):
        return told.encode()
    return base64.b64decode(told["b64"], validate=True)


def _entry(line: dict[str, Any]) -> Entry:
    headers = [(str(name), _bytes(value)) for name, value in line["h"]]
    return Entry(int(line["o"]), int(line["t"]), _bytes(line["k"]), _bytes(line["v"]), headers)
