"""How much memory `thumper import` takes for 1,000 files, and for 100,000.

In place, so that no second copy is written; the files are small, their number is what matters. Each import has tables
and topics of its own and no sink beside it, as in benchmarks.importing. The peak is that of resident memory, by the
system.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import peers, small_pictures
from benchmarks.report import Question, Row, answer
from benchmarks.turns import SideFailed
from benchmarks.world import World, apart
from cli.wiring import before_apps
from thumper.embedded.apps import environment

NAME = "import_memory_flat"
QUESTIONS = [Question(NAME, "MB (peak)", "the same with few files (1,000)", 1.1)]
FEW, MANY = 1_000, 100_000
QUICK_FEW, QUICK_MANY = 20, 200
# What Python's own allocation may differ by from run to run.
LEAST_MB = 8.0


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The row. Raises SideFailed."""
    few, many = (QUICK_FEW, QUICK_MANY) if world.asked.quick else (FEW, MANY)
    small_mb, large_mb = _peak_mb(world, few), _peak_mb(world, many)
    row = answer(
        asked[0], [large_mb], [small_mb], f"{many:,} files against {few:,}; growth {large_mb - small_mb:.1f} MB"
    )
    return [replace(row, holds=is_flat(small_mb, large_mb))]


def is_flat(small_mb: float, large_mb: float) -> bool:
    """Whether the second is at most a tenth, or a few megabytes, above the first."""
    return large_mb - small_mb <= max(0.1 * small_mb, LEAST_MB)


def _peak_mb(world: World, count: int) -> float:
    world.say(f"importing {count:,} small files")
    card = small_pictures.write([(64, 48)], count, world.folder("memory-card"))
    home = world.folder("memory-home")
    own = {"store": (home / "store").absolute().as_uri(), "roots": (card.absolute(),)}
    try:
        with apart(world, f"memory_{count}", **own) as settings:
            before_apps(settings)
            marks = {**world.marks, **environment(settings)}
            found = json.loads(peers.run("peak", "import", card.absolute(), "--in-place", "--json", marks=marks))
    finally:
        shutil.rmtree(card)
        shutil.rmtree(home)
    done = json.loads(found["said"])
    if done["imported"] != count:
        raise SideFailed(f"{done['imported']} of {count} files were imported: {done['complaints'][:1]}")
    world.say(f"{found['peak_bytes'] / 1e6:.1f} MB, {done['imported'] / done['seconds']:,.0f} files/s")
    return float(found["peak_bytes"] / 1e6)
