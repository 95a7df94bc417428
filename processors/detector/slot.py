"""A record's place in the order taken, from submit to poll."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from processors.detector.task import Task
from schemas.detection import Batch
from thumper.errors import Retriable
from thumper.record import Outgoing, Record


@dataclass(slots=True, eq=False, kw_only=True)
class Slot:
    """outgoing: set once, last; then the slot is done. refused: raised when its turn comes."""

    record: Record
    outgoing: Outgoing | None = None
    refused: Retriable | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class Job(Slot):
    """A slot whose picture is looked at. Written by one thread at a time: loop, decoding thread, inferring thread.

    void: nobody wants it any more. Milliseconds as in schemas.detection.Timings.
    """

    task: Task
    taken_s: float
    queue_ms: float = 0.0
    read_ms: float = 0.0
    decode_ms: float = 0.0
    void: bool = False


class End(NamedTuple):
    """When a batch was finished, and what it took each of its pictures; or a picture that never came into one."""

    wall: datetime
    now_s: float
    batch: Batch | None = None
    infer_ms: float = 0.0


def milliseconds(seconds: float) -> float:
    """As they are told: to a tenth."""
    return round(seconds * 1_000, 1)
