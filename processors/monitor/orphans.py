"""Alerts that a worker has raised of itself and will never resolve, because it is gone for good; pure."""

from processors.monitor.lives import FORGET_AFTER_MS
from processors.monitor.seen import Seen
from thumper.alerts import KINDS

AFTER_S = FORGET_AFTER_MS / 1_000


class Orphans:
    """Looks at one look after the other. A worker that was never heard of counts as silent from the first look on."""

    def __init__(self) -> None:
        self._heard_s: dict[str, float] = {}
        self._said: set[str] = set()

    def step(self, seen: Seen) -> list[str]:
        """The names to be resolved after this look: each once, however long the log is not read again."""
        if seen.raised is None or seen.workers is None:
            return []
        silent_s = {worker.name: worker.silent_s for worker in seen.workers}
        owned = {name: _worker(name) for name in seen.raised if _worker(name)}
        self._heard_s = {
            name: seen.now_s - silent_s[worker] if worker in silent_s else self._heard_s.get(name, seen.now_s)
            for name, worker in owned.items()
        }
        over = {name for name, heard_s in self._heard_s.items() if seen.now_s - heard_s >= AFTER_S}
        new = sorted(over - self._said)
        self._said = over
        return new


def _worker(name: str) -> str:
    """Who has raised it of itself; empty: nobody."""
    kind, _, worker = name.partition("/")
    return worker if kind in KINDS.values() else ""
