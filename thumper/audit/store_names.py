"""Names on disk, in two sets that are to be compared: shared out to many small files, so that only one is in memory.

Each name goes to the file that its checksum says, so the same name of both sets is in the same file of each. Of fifty
million names some 40 MB are in memory at a time, and 4 GB in the temporary folder.
"""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

FILES = 256
# Lines held back, so that each file is opened seldom.
MOST_HELD = 100_000


class NamesOnDisk:
    """Names, each with a word about it, in files below `folder`, which is there and the caller's to remove."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, list[str]] = {}
        self._held_lines = 0

    def add(self, name: str, about: str = "") -> None:
        """Put one in. Neither may hold a tab or an end of line."""
        self._held.setdefault(crc32(name.encode()) % FILES, []).append(f"{name}\t{about}\n")
        self._held_lines += 1
        if self._held_lines >= MOST_HELD:
            self._flush()

    def share(self, number: int) -> dict[str, str]:
        """The names of file `number` (0 to FILES - 1); of a name that was put in more than once, the first word."""
        self._flush()
        path = self._path(number)
        if not path.exists():
            return {}
        found: dict[str, str] = {}
        with path.open(encoding="ascii") as lines:
            for line in lines:
                name, _, about = line.rstrip("\n").partition("\t")
                found.setdefault(name, about)
        return found

    def _flush(self) -> None:
        for number, lines in self._held.items():
            with self._path(number).open("a", encoding="ascii") as file:
                file.writelines(lines)
        self._held.clear()
        self._held_lines = 0

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:03}"


def only_in(these: NamesOnDisk, *those: NamesOnDisk) -> Iterator[tuple[str, str]]:
    """What `these` have and none of `those` has, with the word about it."""
    for number in range(FILES):
        others = set().union(*(names.share(number) for names in those))
        yield from ((name, about) for name, about in these.share(number).items() if name not in others)


def in_both(these: NamesOnDisk, those: NamesOnDisk, but: NamesOnDisk | None = None) -> Iterator[tuple[str, str]]:
    """What both have, and `but` has not, with the word that `these` have about it."""
    for number in range(FILES):
        others = those.share(number).keys() - (but.share(number).keys() if but is not None else set())
        yield from ((name, about) for name, about in these.share(number).items() if name in others)
