"""`workers`: heartbeats of the processes that do the work."""

from typing import Literal

from schemas.envelope import Count, Event, Finite, LongText, ShortText

WorkerState = Literal["starting", "running", "paused", "draining", "stopped"]


class WorkerBeat(Event):
    """A sign of life, once a second. in_flight: pictures in hand, without an outcome yet."""

    type: Literal["worker.beat"] = "worker.beat"
    worker: ShortText
    role: ShortText
    group: ShortText
    state: WorkerState
    device: ShortText | None = None
    model_id: ShortText | None = None
    model_name: ShortText | None = None
    in_flight: Count = 0
    done_total: Count = 0
    rate_per_minute: Finite = 0.0
    batch_size: Finite | None = None
    last_error: LongText | None = None

    def key(self) -> str:
        """The worker's id."""
        return self.worker
