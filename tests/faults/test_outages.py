"""The store or the database is away: parts wait, say so everywhere, fail no picture, and go on by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.codec import decode
from tests.faults.synthetic import emit_images
from tests.integration.test_sink_stage import Outage
from tests.processes import CLOCK, NULL_DETECTOR, Processes, eventually, free_port, read_all
from tests.producers.pictures import card
from tests.scrape import scrape
from thumper.alerts import raised_alerts
from thumper.embedded.parts import waits_for
from thumper.embedded.state import StackState
from thumper.store import Store

PICTURES = 24


def alerts(parts: Processes) -> list[str]:
    return [alert.name for alert in raised_alerts(parts.settings, CLOCK)]


def beats_of(parts: Processes, worker: str) -> tuple[str, str]:
    """State and last error of its newest beat."""
    beats = [decode("workers", value) for value in read_all(parts.settings, "workers")]
    return next(((beat.state, beat.last_error or "") for beat in reversed(beats) if beat.worker == worker), ("", ""))


def test_a_store_that_is_not_mounted_pauses_the_detector_and_fails_no_picture(parts: Processes, tmp_path: Path) -> None:
    card(tmp_path / "card", Hayfield=PICTURES)
    parts.sink().wait_ready()
    assert parts.run("import", str(tmp_path / "card")).returncode == 0
    store = Path(Store(parts.settings).url.removeprefix("file://"))
    aside = store.rename(store.with_name("unmounted"))
    store.mkdir()
    port = free_port()
    parts.api()
    words = ("detector", "--name", "d1")
    detector = parts.start(*words, program=NULL_DETECTOR, metrics_port=port)
    eventually(lambda: alerts(parts) == ["store_away/d1"], "the alert is raised")
    eventually(lambda: parts.get("/api/status")["state"] == "Paused", "the status says so")
    state, error = beats_of(parts, "d1")
    assert (state, "is not the store" in error) == ("paused", True)
    assert [alert["name"] for alert in parts.get("/api/alerts")] == ["store_away/d1"]
    assert "is not the store" in waits_for(parts.settings.data_dir, "d1")
    assert "store_away/d1" in parts.run("status").stdout
    assert scrape(f"http://127.0.0.1:{port}/metrics").one("thumper_waiting", reason="StoreDown") == 1
    assert parts.outcomes() == []
    store.rmdir()
    aside.rename(store)
    parts.wait_drained()
    assert parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1") == [("completed", PICTURES)]
    eventually(lambda: alerts(parts) == [], "the alert is resolved")
    eventually(lambda: beats_of(parts, "d1") == ("running", ""), "it is running again")
    assert waits_for(parts.settings.data_dir, "d1") == ""
    assert detector.stop() == 0


@pytest.fixture
def outage(stack_state: StackState, fresh_database: str) -> Iterator[Outage]:
    found = Outage(stack_state, fresh_database)
    yield found
    found.end()


def test_a_database_that_is_away_pauses_the_sink(parts: Processes, outage: Outage) -> None:
    sink = parts.sink().wait_ready()
    outage.begin()
    emit_images(parts.settings, PICTURES)
    eventually(lambda: alerts(parts) == ["database_away/sink"], "the alert is raised")
    eventually(lambda: beats_of(parts, "sink")[0] == "paused", "its beats say so")
    assert parts.lag("sink") > 0
    outage.end()
    eventually(lambda: parts.lag("sink") == 0, "it goes on by itself")
    eventually(lambda: alerts(parts) == [], "the alert is resolved")
    assert sink.stop() == 0


def test_an_alert_of_a_worker_that_was_killed_is_resolved_by_its_next_life(parts: Processes, outage: Outage) -> None:
    sink = parts.sink().wait_ready()
    outage.begin()
    emit_images(parts.settings, PICTURES)
    eventually(lambda: alerts(parts) == ["database_away/sink"], "the alert is raised")
    sink.kill()
    outage.end()
    parts.sink()
    eventually(lambda: parts.lag("sink") == 0, "it is recorded")
    eventually(lambda: alerts(parts) == [], "the alert is resolved")
