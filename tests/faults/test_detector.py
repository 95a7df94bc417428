"""Detectors killed, frozen, joined and left by others, with work in hand: each event has exactly one outcome."""

import signal
from pathlib import Path

import pytest

from schemas.codec import decode
from schemas.worker import WorkerBeat
from tests.processes import Processes, assert_each_once, eventually, read_all
from tests.producers.pictures import card

PICTURES = 160
# A batch of eight takes so long: with it, whoever is hit has several batches in hand and is far from the end.
LATENCY_S = 0.2
THREE_BATCHES = 24


@pytest.fixture
def loaded(parts: Processes, tmp_path: Path) -> Processes:
    """The sink runs, and so many pictures wait."""
    card(tmp_path / "card", Hayfield=PICTURES)
    parts.sink().wait_ready()
    done = parts.run("import", str(tmp_path / "card"))
    assert done.returncode == 0, done.stderr
    return parts


def outcomes(parts: Processes) -> int:
    return int(parts.sql("SELECT count(*) FROM result")[0][0])


def in_hand(parts: Processes, worker: str) -> int:
    beats = [WorkerBeat.model_validate(decode("workers", value)) for value in read_all(parts.settings, "workers")]
    return next((beat.in_flight for beat in reversed(beats) if beat.worker == worker), 0)


def wait_in_the_middle(parts: Processes, worker: str) -> None:
    """Until this worker has recorded something, and has three batches in hand."""
    eventually(lambda: outcomes(parts) > 0 and in_hand(parts, worker) >= THREE_BATCHES, f"{worker} is in the middle")
    assert outcomes(parts) < PICTURES, "too late: all is done"


def assert_all_done_once(parts: Processes) -> None:
    parts.wait_drained()
    assert_each_once(parts.outcomes(), parts.ends("images"))
    assert parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1") == [("completed", PICTURES)]
    assert parts.sql("SELECT count(*) FROM result") == [(PICTURES,)]


@pytest.mark.parametrize("successor", ["d1", "d2"], ids=["under its own name", "under another name"])
def test_killed_with_three_batches_in_hand(loaded: Processes, successor: str) -> None:
    victim = loaded.null_detector("d1", LATENCY_S)
    wait_in_the_middle(loaded, "d1")
    victim.kill()
    loaded.null_detector(successor, 0.0)
    assert_all_done_once(loaded)


def test_frozen_for_longer_than_its_session_and_woken(loaded: Processes) -> None:
    zombie = loaded.null_detector("d1", LATENCY_S)
    wait_in_the_middle(loaded, "d1")
    zombie.send(signal.SIGSTOP)
    loaded.null_detector("d2", 0.0)
    loaded.wait_drained()
    zombie.send(signal.SIGCONT)
    eventually(lambda: "rewind" in zombie.log, "the zombie has learnt that its work belongs to another")
    assert_all_done_once(loaded)
    assert zombie.stop() == 0


def test_others_join_and_leave_with_batches_in_hand(loaded: Processes) -> None:
    first = loaded.null_detector("d1", LATENCY_S)
    wait_in_the_middle(loaded, "d1")
    second = loaded.null_detector("d2", LATENCY_S).wait_ready()
    third = loaded.null_detector("d3", LATENCY_S).wait_ready()
    assert [part.stop() for part in (first, third)] == [0, 0]
    assert_all_done_once(loaded)
    assert second.stop() == 0
