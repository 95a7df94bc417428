"""Heartbeats become lives: who is silent, who ended in order, and how often each began."""

from processors.monitor.lives import FORGET_AFTER_MS, Lives
from schemas.codec import encode
from schemas.worker import WorkerBeat, WorkerState
from thumper.record import Partition, Record

PART = Partition("workers", 0)


def beats(worker: str, *states: tuple[int, WorkerState]) -> list[Record]:
    return [
        Record(
            PART, 0, encode(WorkerBeat(worker=worker, role="detector", group="detector", state=state)), timestamp_ms=ms
        )
        for ms, state in states
    ]


def test_starts_are_counted_by_life_and_not_by_beat() -> None:
    lives = Lives()
    lives.add(beats("d1", (1_000, "starting"), (2_000, "starting"), (3_000, "running"), (4_000, "paused")))
    lives.add(beats("d1", (9_000, "starting"), (10_000, "running"), (11_000, "stopped"), (12_000, "starting")))
    (worker,) = lives.workers(20_000)
    assert worker.starts_s == (19.0, 11.0, 8.0)
    assert (worker.silent_s, worker.stopped) == (8.0, False)


def test_who_ended_in_order_is_stopped_and_who_is_long_gone_is_forgotten() -> None:
    lives = Lives()
    lives.add(beats("a", (0, "running")) + beats("b", (5_000, "running"), (6_000, "stopped")))
    lives.add([Record(PART, 9, b"no beat", timestamp_ms=7_000)])
    assert [(one.name, one.stopped) for one in lives.workers(7_000)] == [("a", False), ("b", True)]
    assert [one.name for one in lives.workers(FORGET_AFTER_MS)] == ["b"]
