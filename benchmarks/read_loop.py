"""The bare loop that an import is compared with: read, hash, EXIF; with --into also write, fsync and rename.

    python -m benchmarks.read_loop --pictures FOLDER [--into FOLDER] [--threads N]

Prints pictures a second. No database, no Kafka, no question whether a picture is known; its list of files is made
before the clock starts.
"""

import argparse
import hashlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.ceiling import find
from benchmarks.words import at_least, ended, folder
from producers.exif import read_metadata
from thumper.clock import SystemClock

# Handing one file to another thread costs as much as reading it.
PORTION = 32


def loop(paths: list[Path], into: Path | None, threads: int) -> float:
    """Pictures a second. into: an empty folder."""
    if into is not None:
        for number in range(256):
            (into / f"{number:02x}").mkdir(parents=True)
    portions = [paths[at : at + PORTION] for at in range(0, len(paths), PORTION)]
    clock = SystemClock()
    start_s = clock.now_s()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda portion: _all(portion, into), portions):
            pass
    return len(paths) / (clock.now_s() - start_s)


def _all(paths: list[Path], into: Path | None) -> None:
    for path in paths:
        _one(path, into)


def _one(path: Path, into: Path | None) -> None:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    metadata = read_metadata(data, path.name)
    if into is None:
        return
    aside = into / f"{threading.get_ident()}.new"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(file, data)
    os.fsync(file)
    os.close(file)
    aside.rename(into / digest[:2] / f"{digest}{metadata.suffix}")


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=folder, required=True)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--threads", type=at_least(1), default=4)
    given = parser.parse_args()
    paths = find(given.pictures)
    if not paths:
        parser.error(f"no pictures below {given.pictures}")
    print(f"{loop(paths, given.into, given.threads):.2f} pictures/s")


if __name__ == "__main__":
    sys.exit(ended(main))
