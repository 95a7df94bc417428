"""Whose work the processor time of a process was: seconds by what its threads are for. Linux only."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

# Python's threads by the beginning of their names; a process's main thread runs the consumer loop.
OURS = {
    "MainThread": "take, order, produce, commit",
    "decode": "read and decode",
    "infer": "fill batches, read boxes, answer",
    "sink-writer": "record",
}
HELPERS = "other threads of ours"
# What is no Python thread: those of librdkafka have names of their own, the rest is OpenVINO's.
KAFKA, INFERENCE = "Kafka client", "inference"


class Thread(NamedTuple):
    """command: Linux's name of it. used_s: processor time so far."""

    command: str
    used_s: float


def look(pid: int) -> dict[int, Thread]:
    """The threads of a process by their number."""
    found = {}
    for one in psutil.Process(pid).threads():
        with suppress(OSError):  # It has ended.
            command = Path(f"/proc/{pid}/task/{one.id}/comm").read_text().strip()
            found[one.id] = Thread(command, one.user_time + one.system_time)
    return found


def by_purpose(before: Mapping[int, Thread], after: Mapping[int, Thread], names: Mapping[int, str]) -> dict[str, float]:
    """Seconds between two looks. names: Python's, by the number of a thread."""
    found: dict[str, float] = defaultdict(float)
    for number, thread in after.items():
        so_far = before[number].used_s if number in before else 0.0
        found[purpose(names.get(number), thread.command)] += thread.used_s - so_far
    return dict(found)


def purpose(name: str | None, command: str) -> str:
    """What a thread is for. name: Python's, or None for one that is not Python's."""
    if name is not None:
        return next((what for start, what in OURS.items() if name.startswith(start)), HELPERS)
    return KAFKA if command.startswith("rdk") else INFERENCE
