"""The benchmark of the detector's loop measures what it says, and notices what is missing."""

from pathlib import Path

import pytest

from benchmarks import bare_loop
from benchmarks.detector_loop import NullLoop
from benchmarks.turns import SideFailed
from tests.faults.synthetic import emit_images
from thumper.clock import SystemClock
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import ensure_topics

pytestmark = pytest.mark.integration
EVENTS = 500


@pytest.fixture
def waiting(settings: Settings) -> Settings:
    """So many events wait in `images`."""
    ensure_topics(settings)
    emit_images(settings, EVENTS)
    return settings


def test_each_round_does_all_events_anew(waiting: Settings, tmp_path: Path) -> None:
    ours = NullLoop(waiting, tmp_path, {}, EVENTS)
    assert ours.first() > 0
    assert ours.first() > 0
    assert len(ours.used_us) == 2
    lags = LagReader(waiting)
    assert sum(lags.ends(["detections"]).values()) >= 2 * EVENTS
    lags.close()


def test_an_event_without_its_outcome_is_no_result(waiting: Settings, tmp_path: Path) -> None:
    with pytest.raises(SideFailed, match=f"{EVENTS + 1} events have {EVENTS} outcomes"):
        NullLoop(waiting, tmp_path, {}, EVENTS + 1).first()


def test_the_bare_loop_answers_every_event(waiting: Settings) -> None:
    assert bare_loop.loop(waiting, "bare", EVENTS, SystemClock()) > 0
    lags = LagReader(waiting)
    assert sum(lags.ends(["detections"]).values()) >= EVENTS
    lags.close()


def test_a_replay_does_all_events_again(waiting: Settings, tmp_path: Path) -> None:
    ours = NullLoop(waiting, tmp_path, {}, EVENTS)
    assert ours.first() > 0
    assert ours.again() > 0
    assert ours.groups == 1
    lags = LagReader(waiting)
    assert sum(lags.ends(["detections"]).values()) >= 2 * EVENTS
    lags.close()
