"""Again by Kafka's own tool: pending jumps to all, runs down to 0, and the tables are as before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import Processes, assert_each_once, eventually, free_port
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EVENTS = 300
RESULTS = """
SELECT r.image_id, r.model_id, r.state, r.error_class, b.class_name, b.confidence, b.x1, b.y1, b.x2, b.y2
FROM result r LEFT JOIN box b USING (image_id, model_id) ORDER BY r.image_id, b.confidence, b.x1
"""
PICTURES = "SELECT id, filename, location_id, processing_status, error_message, created_at FROM images ORDER BY id"


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def reset(parts: Processes) -> str:
    names = {kind: f"{parts.settings.topic_prefix}{kind}" for kind in ("detector", "images")}
    words = ("--group", names["detector"], "--topic", names["images"], "--reset-offsets", "--to-earliest", "--execute")
    done = parts.run("kafka", "kafka-consumer-groups", *words)
    return done.stdout + done.stderr


def status(parts: Processes) -> dict[str, Any]:
    return dict(parts.get("/api/status"))


def test_a_stopped_group_is_set_back_and_does_everything_again(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    parts.sink()
    detector = parts.null_detector("d1", 0.0, "--unread")
    parts.api()
    parts.wait_drained()
    before = parts.sql(RESULTS), parts.sql(PICTURES)
    assert "Error" in reset(parts), "a group that runs cannot be set back"
    assert detector.stop() == 0

    assert "Error" not in reset(parts)
    eventually(lambda: status(parts)["pending"] == EVENTS, "everything is pending")
    assert status(parts)["state"] == "Replaying"
    assert (parts.sql(RESULTS), parts.sql(PICTURES)) == before, "results of before stay readable"

    slow = parts.null_detector("d1", 0.3, "--unread")
    eventually(lambda: 0 < status(parts)["pending"] < EVENTS, "the number runs down")
    slow.stop()
    parts.null_detector("d1", 0.0, "--unread")
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == EVENTS, "all is done again")
    assert status(parts)["state"] == "Idle"
    assert (parts.sql(RESULTS), parts.sql(PICTURES)) == before
    assert_each_once(parts.outcomes(), parts.ends("images"), passes=2)
