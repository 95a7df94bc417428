"""Who is alive, and how often each has begun anew: from heartbeats, by the broker's clock; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from processors.monitor.seen import Worker
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.worker import WorkerState
from thumper.record import Record

# A worker that has been silent for so long is somebody who will not come back: a container's name, for instance.
FORGET_AFTER_MS = 3_600_000


@dataclass
class _Life:
    """Milliseconds since 1970."""

    newest_ms: int = 0
    state: WorkerState = "stopped"
    starts_ms: list[int] = field(default_factory=list)


class Lives:
    """Takes in heartbeats in the order of the log."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Records of `workers`; what cannot be read is left out."""
        for record in records:
            try:
                beat = decode("workers", record.value)
            except (UnreadableEvent, UnknownMajorVersion):
                continue
            life = self._lives.setdefault(beat.worker, _Life())
            if beat.state == "starting" and life.state != "starting":
                life.starts_ms.append(record.timestamp_ms)
            life.newest_ms, life.state = record.timestamp_ms, beat.state

    def workers(self, now_ms: float) -> list[Worker]:
        """Everybody heard of in the last hour, by name."""
        self._lives = {name: life for name, life in self._lives.items() if now_ms - life.newest_ms < FORGET_AFTER_MS}
        return [_worker(name, life, now_ms) for name, life in sorted(self._lives.items())]


def _worker(name: str, life: _Life, now_ms: float) -> Worker:
    life.starts_ms = [ms for ms in life.starts_ms if now_ms - ms < FORGET_AFTER_MS]
    starts_s = tuple(max(0.0, now_ms - ms) / 1_000 for ms in life.starts_ms)
    return Worker(name, max(0.0, now_ms - life.newest_ms) / 1_000, life.state == "stopped", starts_s)
