"""The pictures that are measured with: real ones where they lie beside the checkout, else rendered ones."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ceiling import find
from benchmarks.turns import Say
from models.scenes import write_card
from processors.detector.config import cores
from thumper.errors import UserError

REAL = Path(__file__).parents[2] / "shared" / "data"
# What a broken card may hold, and weights: not for measuring.
NOT_FOR_THIS = ("odd", "weights")
LOCATIONS = ("hayfield", "creek", "ridge")
RENDERED = 120
SEED = 7
TAIL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Pictures:
    """Different pictures below `folder`. what: which they are, in words."""

    what: str
    folder: Path
    paths: tuple[Path, ...]


def choose(given: Path | None, work: Path, say: Say) -> Pictures:
    """Those of the user, else the real ones, else rendered ones. Raises UserError for a folder without pictures."""
    if given is not None:
        if not given.is_dir():
            raise UserError(f"there is no folder {given}", "give a folder with .jpg files: --pictures FOLDER")
        return _those_in(given, f"the pictures in {given}")
    if REAL.is_dir():
        return _those_in(REAL, "real trail-camera photographs (shared/data)")
    return rendered(work, RENDERED, say)


def rendered(work: Path, count: int, say: Say) -> Pictures:
    """So many rendered pictures, made once."""
    folder = work / f"rendered-{count}"
    if not folder.exists():
        say(f"rendering {count} pictures, once")
        aside = work / "rendering"
        shutil.rmtree(aside, ignore_errors=True)
        write_card(aside, LOCATIONS, count, SEED, workers=cores())
        aside.rename(folder)
    return _those_in(folder, "rendered trail-camera pictures (models.scenes)")


def _those_in(folder: Path, what: str) -> Pictures:
    paths = tuple(path for path in find(folder) if path.relative_to(folder).parts[0] not in NOT_FOR_THIS)
    if not paths:
        raise UserError(f"no pictures below {folder}", "give a folder with .jpg files: --pictures FOLDER")
    return Pictures(what, folder, paths)


def distinct(pictures: Pictures, count: int, into: Path) -> list[Path]:
    """At least `count` pictures in `into`, as many copies of each as are needed, folder by folder as on a card.

    Bytes that no decoder looks at follow a picture's end, so that each copy is a picture of its own with equal work.
    """
    shutil.rmtree(into, ignore_errors=True)
    copies = -(-count // len(pictures.paths))
    made = []
    for number, path in enumerate(pictures.paths):
        target = into / path.parent.relative_to(pictures.folder)
        target.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes()
        for copy in range(copies):
            tail = hashlib.sha256(f"{number} {copy}".encode()).digest()[:TAIL_BYTES]
            made.append(target / f"{path.stem}_{copy:04}{path.suffix}")
            made[-1].write_bytes(data + tail)
    # What is to be written to the disk is written now, and not while somebody is measured.
    os.sync()
    return sorted(made)


def flat(pictures: Sequence[Path], count: int, into: Path) -> Path:
    """A folder without sub-folders that shows about `count` of the pictures, evenly chosen, in their order."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    step = max(1, len(pictures) // count)
    for number, path in enumerate(pictures[::step]):
        (into / f"{number:06}{path.suffix}").symlink_to(path.absolute())
    return into
