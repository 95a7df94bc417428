"""Pausing, draining and resuming a group of real processes, by command and by the topic `control`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import Processes, eventually, free_port
from thumper.lag import LagReader
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
FIRST, LATER = 60, 40


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def told(parts: Processes, *words: str) -> str:
    done = parts.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def members(parts: Processes) -> int:
    lags = LagReader(parts.settings)
    try:
        return lags.members("detector")
    finally:
        lags.close()


def reset(parts: Processes) -> str:
    names = {kind: f"{parts.settings.topic_prefix}{kind}" for kind in ("detector", "images")}
    words = ("--group", names["detector"], "--topic", names["images"], "--reset-offsets", "--to-earliest", "--execute")
    done = parts.run("kafka", "kafka-consumer-groups", *words)
    return done.stdout + done.stderr


def test_a_group_is_paused_over_restarts_and_reset_and_goes_on(parts: Processes) -> None:
    parts.sink()
    slow = parts.null_detector("d1", 0.05, "--unread").wait_ready()
    other = parts.null_detector("d2", 0.05, "--unread").wait_ready()
    parts.api()
    emit_images(parts.settings, FIRST)
    assert "detector is paused" in told(parts, "pause", "detector")
    assert members(parts) == 0
    assert (slow.process.poll(), other.process.poll()) == (None, None)
    eventually(lambda: parts.get("/api/status")["state"] == "Paused", "the status says so")
    assert {one["state"] for one in parts.get("/api/workers") if one["group"] == "detector"} == {"paused"}
    assert parts.get("/api/alerts") == []
    assert "detector is paused" in told(parts, "pause", "detector"), "again changes nothing"

    # One that starts now stays out, and is ready all the same.
    assert other.stop() == 0
    parts.null_detector("d2", 0.0, "--unread").wait_ready()
    assert members(parts) == 0
    assert "Error" not in reset(parts), "an empty group is set back by Kafka's own tool"
    assert "detector runs: 2 members" in told(parts, "resume", "detector")
    parts.wait_drained()
    eventually(lambda: parts.get("/api/status")["completed"] == FIRST, "all is done")

    emit_images(parts.settings, FIRST + LATER, FIRST)
    assert "has done what there was" in told(parts, "drain", "detector")
    assert (members(parts), parts.lag("detector")) == (0, 0)
    assert "detector is paused" in told(parts, "pause", "detector")
    assert "2 members" in told(parts, "resume", "detector")
    parts.wait_drained()


def test_what_is_asked_wrongly(parts: Processes) -> None:
    for command in ("pause", "resume", "drain"):
        refused = parts.run(command, "detectors")
        assert (refused.returncode, "no group is called 'detectors'" in refused.stderr) == (2, True)
    assert "no process of it runs" in told(parts, "resume", "detector")
    assert "is paused" in told(parts, "drain", "detector"), "nothing is there to be done"
