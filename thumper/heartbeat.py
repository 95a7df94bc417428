"""A worker's sign of life on the topic `workers`, once a second, and its mark that it is ready."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schemas.worker import WorkerBeat, WorkerState
from thumper.clock import Clock
from thumper.emitter import Emitter
from thumper.errors import KafkaDown
from thumper.loop import Health

BEAT_S = 1.0
MOST_SAID = 1_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who beats: worker id, its role (detector, sink), its group, and what it computes with."""

    worker: str
    role: str
    group: str
    device: str | None = None
    model_id: str | None = None
    model_name: str | None = None


def state_of(health: Health) -> WorkerState:
    """The state in one word. Pure."""
    if health.wanted == "paused":
        return "paused" if health.left else "draining"
    if not health.joined:
        return "starting"
    return "paused" if health.paused else health.wanted


class Heartbeat:
    """Watches a loop. Beats come from the loop's own thread, so that a loop that hangs falls silent."""

    def __init__(
        self, identity: Identity, emitter: Emitter, clock: Clock, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        self._identity = identity
        self._emitter = emitter
        self._clock = clock
        self._on_ready = on_ready
        self._ready = False
        self._last_s: float | None = None
        self._last_done = 0

    def watch(self, health: Health) -> None:
        """Called at every turn of the loop; beats when a second has passed."""
        now_s = self._clock.now_s()
        if (health.joined or health.left) and not self._ready:
            self._ready = True
            self._on_ready()
        if self._last_s is not None and now_s - self._last_s < BEAT_S:
            return
        passed_s = BEAT_S if self._last_s is None else now_s - self._last_s
        rate = (health.done_total - self._last_done) / passed_s * 60
        self._last_s, self._last_done = now_s, health.done_total
        self._beat(state_of(health), health, rate)

    def stopped(self, health: Health) -> None:
        """The last beat: this worker holds nothing any more."""
        self._beat("stopped", health, 0.0)

    def _beat(self, state: WorkerState, health: Health, rate: float) -> None:
        who = self._identity
        beat = WorkerBeat(
            id=f"{who.worker}:{self._clock.wall().isoformat()}",
            time=self._clock.wall(),
            source=f"thumper/{who.role}",
            worker=who.worker,
            role=who.role,
            group=who.group,
            state=state,
            device=who.device,
            model_id=who.model_id,
            model_name=who.model_name,
            in_flight=0 if state == "stopped" else health.in_flight,
            done_total=health.done_total,
            rate_per_minute=rate,
            last_error=health.last_error,
        )
        try:
            self._emitter.emit("workers", beat, on_ack=lambda _: None)
        except KafkaDown:
            return  # A broker that is away learns of us when it is back.


# How a part that was paused by somebody begins to say so.
LEFT = "paused: it has left its group"


class WaitMark:
    """Keeps `<data_dir>/run/<worker>.waits` while something is in the way: its words, for `thumper ps`."""

    def __init__(self, data_dir: Path, worker: str) -> None:
        self._path = data_dir / "run" / f"{worker}.waits"
        self._path.unlink(missing_ok=True)
        self._said = ""

    def watch(self, health: Health) -> None:
        """Called at every turn of the loop; writes when it changes."""
        reasons = [stopped.reason for stopped in health.stopped.values()]
        if health.left:
            reasons.insert(0, f"{LEFT} (`thumper resume`)")
        if health.waits_for is not None:
            reasons.insert(0, health.waits_for.message)
        said = "; ".join(reasons)[:MOST_SAID]
        if said != self._said:
            self._said = said
            if said:
                self._path.write_text(said, "utf-8", "replace")
            else:
                self._path.unlink(missing_ok=True)


def ready_mark(data_dir: Path, worker: str) -> Callable[[], None]:
    """What writes this process's pid to `<data_dir>/run/<worker>.ready`, for whoever waits until it is ready."""

    def write() -> None:
        folder = data_dir / "run"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{worker}.ready").write_text(str(os.getpid()))

    return write
