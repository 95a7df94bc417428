"""The store against the log: files that no event names, events whose file is missing, and, if asked, every file's hash.

The store is listed before the log is read, so an event that comes meanwhile may name a file that is not in the listing:
such a file is looked for itself. A file that an import has put there and not announced yet is in flight while an import
runs; once none runs, it is wrong.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Protocol

from thumper.audit.findings import Findings
from thumper.audit.lean import read_announcement
from thumper.audit.log import LogReader
from thumper.audit.ordered import Place
from thumper.audit.store_names import NamesOnDisk, in_both, only_in
from thumper.claim import sha256_in
from thumper.clock import Clock
from thumper.errors import PictureError
from thumper.lag import LagReader
from thumper.settings import Settings

THREADS = 4
AT_ONCE = 256


class Files(Protocol):
    """The store (thumper.store.Store)."""

    def names(self) -> Iterator[str]:
        """The name of every file. Raises StoreDown."""
        ...

    def name_of(self, uri: str) -> str | None:
        """The name that an address means; None if none in the store."""
        ...

    def exists(self, uri: str, size_bytes: int | None = None) -> bool:
        """Whether there is such a file. Raises PictureError, StoreDown."""
        ...

    def read(self, uri: str, size_bytes: int | None, max_bytes: int) -> bytes:
        """Its bytes. Raises PictureError, Retriable."""
        ...

    def is_removed(self, uri: str) -> bool:
        """Whether the picture there was removed. Raises StoreDown."""
        ...


class Stored:
    """Sets of names, on disk below `folder`: the files there are, those that events name, those of removed pictures."""

    def __init__(self, store: Files, folder: Path) -> None:
        self._store = store
        for name in ("files", "named", "voided"):
            (folder / name).mkdir()
        self._files, self._named = NamesOnDisk(folder / "files"), NamesOnDisk(folder / "named")
        self._voided = NamesOnDisk(folder / "voided")
        self.count = 0
        self.elsewhere = 0

    def list_files(self) -> None:
        """List the store. Raises StoreDown."""
        for name in self._store.names():
            self.count += 1
            self._files.add(name)

    def named(self, uri: str, place: Place, sha256: str) -> None:
        """The event of `images` at `place` names this address, of a picture with this hash."""
        name = self._store.name_of(uri)
        if name is None:
            self.elsewhere += 1
        else:
            self._named.add(name, f"{place[0]} {place[1]} {sha256}")

    def voided(self, uri: str) -> None:
        """An event names this address whose picture was removed since."""
        name = self._store.name_of(uri)
        if name is not None:
            self._voided.add(name)

    def unnamed(self) -> Iterator[str]:
        """Files that no event names."""
        return (name for name, _ in only_in(self._files, self._named, self._voided))

    def judge(self, findings: Findings, import_runs: bool, facts_come: bool = False) -> None:
        """Compare. import_runs: an import or a removal is under way. facts_come: some are not recorded yet.

        Raises StoreDown.
        """
        findings.counted["files in the store"] += self.count
        findings.noted["pictures imported in place (not looked at)"] += self.elsewhere
        for name in self.unnamed():
            if import_runs:
                findings.in_flight["files that an import has not announced yet"] += 1
            else:
                findings.add("file_not_named", "{}", f"store:///{name}")
        for name, _ in in_both(self._files, self._voided, but=self._named):
            findings.add("file_of_removed", "{}", f"store:///{name}")
        for name, about in only_in(self._named, self._files):
            if self._is_there(name):
                continue
            if not self._store.is_removed(f"store:///{name}"):
                findings.add("file_missing", "{} (images {} at offset {})", f"store:///{name}", *about.split()[:2])
            elif import_runs or facts_come:
                findings.in_flight["pictures being removed"] += 1
            else:
                findings.add("removal_unfinished", "{} (images {} at offset {})", name, *about.split()[:2])

    def judge_bytes(self, findings: Findings, max_bytes: int) -> None:
        """Read every file, and compare its hash. Raises Retriable."""
        with ThreadPoolExecutor(THREADS, "verify") as pool:
            for name, wrong in self._hashed(pool, max_bytes):
                findings.counted["files read"] += 1
                if wrong:
                    findings.add("file_damaged", "{}: {}", f"store:///{name}", wrong)

    def _hashed(self, pool: ThreadPoolExecutor, max_bytes: int) -> Iterator[tuple[str, str]]:
        def check(one: tuple[str, str]) -> tuple[str, str]:
            return one[0], self._wrong(*one, max_bytes)

        left = self._expected()
        while some := list(islice(left, AT_ONCE)):
            yield from pool.map(check, some)

    def _expected(self) -> Iterator[tuple[str, str]]:
        """Every file that is there, with the hash that it should have: by its event, else by its name."""
        for name, about in in_both(self._named, self._files):
            yield name, about.split()[2]
        for name in self.unnamed():
            if expected := sha256_in(name):
                yield name, expected

    def _wrong(self, name: str, expected: str, max_bytes: int) -> str:
        try:
            data = self._store.read(f"store:///{name}", None, max_bytes)
        except PictureError as error:
            return error.message
        found = sha256(data).hexdigest()
        return "" if found == expected else f"its hash is {found}"

    def _is_there(self, name: str) -> bool:
        try:
            return self._store.exists(f"store:///{name}")
        except PictureError:
            return False


def unannounced(settings: Settings, store: Files, folder: Path, clock: Clock) -> Iterator[str]:
    """The names of files that no event in `images` names. folder: for what does not fit into memory.

    While no import runs, that is what the log lacks. Raises StoreDown, KafkaDown.
    """
    stored = Stored(store, folder)
    stored.list_files()
    with closing(LagReader(settings, clock)) as lags, closing(LogReader(settings, clock)) as reader:
        starts, ends = lags.starts(["images"]), lags.ends(["images"])
        for part, end in sorted(ends.items()):
            for item in reader.read(part, starts[part], end):
                event = read_announcement(item.value)
                if event is not None:
                    stored.named(event["uri"], (part.number, item.offset), event["sha256"])
    return stored.unnamed()
