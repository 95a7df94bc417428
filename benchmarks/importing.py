"""`thumper import` against a bare loop that reads, hashes and (if it copies) writes the same files.

Each import begins with empty tables, an empty store and topics of its own, into which nothing but the import works: no
sink and no detector runs. Its rate is that of its own summary, without the start of the command; the loop's neither
counts its own start. The loop uses the same EXIF reader, and as many threads as are fastest here.
"""

import os
import shutil
from collections.abc import Sequence
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import peers, pictures
from benchmarks.parts import Parts
from benchmarks.report import Question, Row
from benchmarks.turns import OURS, Side, SideFailed, best, take_turns
from benchmarks.world import World, apart
from cli.wiring import before_apps

COPY, IN_PLACE = "import_vs_read", "import_in_place_vs_read"
QUESTIONS = [
    Question(
        COPY, "pictures/s", "read, hash, EXIF, write, fsync and rename in a bare loop (benchmarks.read_loop)", 0.8
    ),
    Question(IN_PLACE, "pictures/s", "read, hash and EXIF in a bare loop (benchmarks.read_loop)", 0.8),
]
PICTURES, QUICK_PICTURES = 3_000, 60
RENDERED = 120
THREADS = (1, 2, 4, 8)


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The rows that are asked for."""
    source = pictures.rendered(world.work, RENDERED, world.say)
    card = world.folder("import-card")
    made = pictures.distinct(source, QUICK_PICTURES if world.asked.quick else PICTURES, card)
    rows = [_row(world, question, card, len(made)) for question in asked]
    shutil.rmtree(card)
    return rows


def _row(world: World, asked: Question, card: Path, pictures_count: int) -> Row:
    copying = asked.name == COPY
    numbers = count()
    threads = best(
        [str(one) for one in THREADS], lambda one: _bare(world, card, copying, one), world.say, world.measure
    )
    sides: dict[str, Side] = {
        OURS: lambda: _import(
            world, card, copying, pictures_count, f"bench_{'copy' if copying else 'in_place'}_{next(numbers)}"
        ),
        asked.name: partial(_bare, world, card, copying, threads),
    }
    size_bytes = sum(path.stat().st_size for path in card.rglob("*") if path.is_file())
    each_kb = size_bytes / pictures_count / 1e3
    note = f"{pictures_count} rendered pictures of {each_kb:.0f} kB on average; the loop has {threads} threads"
    return take_turns(sides, world.asked.rounds, world.say, world.measure).row(asked, note)


def _bare(world: World, card: Path, copying: bool, threads: str) -> float:
    words: list[object] = ["--pictures", card, "--threads", threads]
    into = world.folder("import-bare")
    os.sync()
    try:
        return peers.rate_of("read_loop", *words, *(("--into", into) if copying else ()), marks=world.marks)
    finally:
        shutil.rmtree(into)


def _import(world: World, card: Path, copying: bool, pictures_count: int, name: str) -> float:
    home = world.folder("import-home")
    own = {"store": (home / "store").absolute().as_uri(), "roots": (card.absolute(),)}
    try:
        with apart(world, name, **own) as settings:
            before_apps(settings)
            os.sync()
            with Parts(settings, home / "logs", world.marks) as parts:
                done = parts.json_of("import", str(card), "--json", *(() if copying else ("--in-place",)))
    finally:
        shutil.rmtree(home)
    if done["imported"] != pictures_count:
        raise SideFailed(f"{done['imported']} of {pictures_count} pictures were imported: {done['complaints'][:1]}")
    return float(done["imported"]) / float(done["seconds"])
