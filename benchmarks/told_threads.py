"""The command `thumper`, in a process that tells which of its threads is which.

    THREADS_FILE=path python -m benchmarks.told_threads detector --name detector-1

Linux shows the processor time of each thread by number; Python's names of them it does not know. They are written into
the file as a JSON object, number to name, whenever they change. Else the process is the same.
"""

import json
import os
import threading
from pathlib import Path

from benchmarks.parts import THREADS_FILE
from cli.main import run

LOOK_S = 0.25


def tell(path: Path, stop: threading.Event) -> None:
    """Write the names until stopped."""
    told: dict[int, str] = {}
    while not stop.wait(LOOK_S):
        names = {one.native_id: one.name for one in threading.enumerate() if one.native_id is not None}
        if names != told:
            aside = path.with_suffix(".new")
            aside.write_text(json.dumps(names))
            aside.rename(path)
            told = names


if __name__ == "__main__":
    threading.Thread(target=tell, args=(Path(os.environ[THREADS_FILE]), threading.Event()), daemon=True).start()
    run()
