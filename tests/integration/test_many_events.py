"""Twenty thousand events through detector and sink: exact in every answer meanwhile, flat memory, lag exactly 0."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.wiring import before_apps
from tests.faults.synthetic import LOCATIONS, emit_images
from tests.processes import Processes, assert_each_once, eventually, free_port
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EVENTS = 80_000
FIRST = 40_000
LOOK_S = 0.1
# What a client's queues and a pool may still grow by after a quarter of the way.
GROWTH_BYTES = 60_000_000


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


@contextmanager
def sampled(parts: Processes) -> Iterator[list[Mapping[str, int]]]:
    """Everything that the API says of the status while this lasts."""
    samples: list[Mapping[str, int]] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            samples.append(parts.get("/api/processing/status"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def test_exact_at_every_moment_and_flat(parts: Processes) -> None:
    # All of it waits before anybody takes any, so that batches are as large as they get.
    emit_images(parts.settings, FIRST)
    detector = parts.null_detector("d1", 0.0, "--unread").wait_ready()
    eventually(lambda: parts.lag("detector") == 0, "the detector has done the first half")
    sink = parts.sink().wait_ready()
    parts.api()
    with sampled(parts) as samples:
        parts.wait_drained()
        before = {part.name: part.memory_bytes for part in (sink, detector)}
        emit_images(parts.settings, EVENTS, start=FIRST)
        parts.wait_drained()
        eventually(lambda: samples[-1]["completed"] == EVENTS, "the status has seen the end")
    assert len(samples) > 10
    for now in samples:
        assert now["pending"] + now["processing"] + now["completed"] + now["failed"] == now["total"], now
    totals = [now["total"] for now in samples]
    assert totals == sorted(totals)
    assert len({now["completed"] for now in samples}) > 5, "the samples saw no progress"
    assert [samples[-1][name] for name in ("total", "pending", "processing", "completed", "failed")] == [
        *(EVENTS, 0, 0),
        *(EVENTS, 0),
    ]
    assert parts.sql("SELECT count(*) FROM images WHERE processing_status = 'completed'") == [(EVENTS,)]
    places = parts.sql("SELECT l.name, count(*) FROM images i JOIN locations l ON l.id = i.location_id GROUP BY 1")
    assert sorted(places) == sorted((name, len(range(n, EVENTS, len(LOCATIONS)))) for n, name in enumerate(LOCATIONS))
    assert (parts.lag("detector"), parts.lag("sink")) == (0, 0)
    assert_each_once(parts.outcomes(), parts.ends("images"))
    for part in (sink, detector):
        assert part.memory_bytes - before[part.name] < GROWTH_BYTES, f"{part.name} grew"
