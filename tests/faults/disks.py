"""A full disk, and a wrong clock: what only some machines can have."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.world import World
from tests.processes import CLOCK

# Servers and store of a soak of an hour take some 2 GB.
SIZE = "6g"
FAKETIME = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


@contextmanager
def small_disk(folder: Path) -> Iterator[str | None]:
    """Mount a disk of limited size at `folder`. Gives why not, if not."""
    if os.geteuid() != 0:
        yield "only root may mount a disk"
        return
    folder.mkdir(mode=0o711, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0711", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        yield f"no disk can be mounted: {done.stderr.strip()}"
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(world: World, seconds: float) -> bool:
    """Take all that is left of the disk that servers and store lie on, then give it back."""
    ballast = world.disk / "ballast"
    try:
        with ballast.open("wb") as file:
            for size in (1 << 20, 4_096):
                _fill(file.fileno(), size)
        CLOCK.sleep(seconds)
    finally:
        ballast.unlink()
    world.wait_for_servers()
    return True


def _fill(file: int, size: int) -> None:
    """Enlarge a file by `size` bytes until there is no room for that."""
    with suppress(OSError):
        while True:
            os.posix_fallocate(file, os.fstat(file).st_size, size)


def faketime() -> str | None:
    """The library that fakes a process's clock, where it is installed."""
    found = [path for pattern in FAKETIME for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    return str(found[0]) if found else None
