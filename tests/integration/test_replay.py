"""`thumper replay` and `/api/replay` on real processes, while pictures still arrive; and the audit is clean."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import CLOCK, Processes, eventually, free_port
from thumper.audit.audit import Asked, audit
from thumper.control_log import groups_wanted
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EVENTS, LATER = 300, 60
ALL = EVENTS + LATER
NUMBERS = ("pending", "processing", "completed", "failed")
RESULTS = """
SELECT r.image_id, r.model_id, r.state, r.error_class, b.class_name, b.confidence, b.x1, b.y1, b.x2, b.y2
FROM result r LEFT JOIN box b USING (image_id, model_id) ORDER BY r.image_id, b.confidence, b.x1
"""
PLACES = "SELECT i.image_id, l.name FROM image i JOIN location l USING (location_id) ORDER BY 1"


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def status(parts: Processes) -> dict[str, Any]:
    found: dict[str, Any] = parts.get("/api/status")
    assert sum(found[name] for name in NUMBERS) == found["total"]
    return found


def post(parts: Processes, path: str, body: object = None) -> tuple[int, Any]:
    """Status and answer."""
    address = f"http://127.0.0.1:{parts.settings.api_port}/api/replay{path}"
    answer = httpx.post(address, json=body, timeout=90) if body is not None else httpx.post(address, timeout=90)
    return answer.status_code, answer.json()


def wanted(parts: Processes) -> str | None:
    found = groups_wanted(parts.settings, CLOCK).get("detector")
    return None if found is None else found.state


def wrong(parts: Processes) -> dict[str, int]:
    report = audit(parts.settings, Asked(), CLOCK)
    # The events are of pictures that lie nowhere.
    return {kind: found.count for kind, found in report.findings.wrong.items() if kind != "file_missing"}


def replaying(parts: Processes, left: int) -> bool:
    found = status(parts)
    return bool(found["state"] == "Replaying" and found["pending"] == left)


def look_and_be_refused(parts: Processes) -> None:
    """A look changes nothing, and an active group is left alone, as is what cannot be done."""
    shown = parts.run("replay", "in-place", "--to-earliest", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert f"Done again: {EVENTS} pictures ({EVENTS} events in 4 partitions)" in shown.stdout
    assert f"the results of {EVENTS} completed and 0 failed" in shown.stdout
    assert "1 members" in shown.stdout
    plan = post(parts, "/plan", {"to_earliest": True})[1]
    assert (plan["pictures"], plan["members"], plan["time_means"]) == (EVENTS, 1, "time of import")
    assert plan["seconds"] > 0
    refused = parts.run("replay", "in-place", "--to-earliest", "--yes")
    assert (refused.returncode, "is active" in refused.stderr, "--pause" in refused.stderr) == (2, True, True)
    asked = parts.run("replay", "in-place", "--to-earliest")
    assert (asked.returncode, "replay was not typed; nothing was changed" in asked.stderr) == (2, True)
    code, problem = post(parts, "", {"to_earliest": True})
    assert (code, "is active" in problem["detail"]) == (409, True)
    for body, words in (({}, "exactly one"), ({"to_offset": 3}, "one partition"), ({"shift_by": 5}, "not go back")):
        code, problem = post(parts, "/plan", body)
        assert (code, words in problem["detail"]) == (422, True)
    cases: list[tuple[str, object, str]] = [
        ("/plan", {"to_offset": 10**9, "partitions": [0]}, "its log ends at"),
        ("/plan", {"shift_by": -(10**9)}, "begins at offset 0"),
        ("/plan", {"to_earliest": True, "partitions": [99]}, "no partition 99"),
        ("/plan", {"to_datetime": "2999-01-01T00:00:00Z"}, "still to come"),
        ("/undo", None, "nothing to undo"),
    ]
    for path, wish, words in cases:
        code, problem = post(parts, path, wish)
        assert (code, words in problem["detail"]) == (409, True), problem
    assert status(parts)["state"] == "Idle"
    assert parts.get("/api/replay") == []


def test_everything_again_while_pictures_still_arrive(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    parts.sink()
    detector = parts.null_detector("d1", 0.0, "--unread")
    parts.api()
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == EVENTS, "all is done")
    before = parts.sql(RESULTS)

    look_and_be_refused(parts)

    # Done, and the group is let go on, while pictures arrive.
    assert detector.stop() == 0
    code, begun = post(parts, "?pause=true&wait_s=60", {"to_earliest": True})
    assert code == 200, begun
    assert (begun["state"], begun["left"], wanted(parts)) == ("under way", EVENTS, "running")
    eventually(lambda: replaying(parts, EVENTS), "everything is pending")
    emit_images(parts.settings, ALL, EVENTS)
    eventually(lambda: replaying(parts, ALL), "what has arrived waits too")
    assert parts.run("status", "--json").stdout.count('"Replaying"') == 1
    assert parts.sql(RESULTS) == before, "results of before stay readable"
    second = parts.run("replay", "in-place", "--to-earliest", "--yes")
    assert (second.returncode, "a replay is under way: to the earliest event" in second.stderr) == (2, True)

    slow = parts.null_detector("d1", 0.3, "--unread")
    eventually(lambda: 0 < status(parts)["pending"] < ALL, "the number runs down")
    assert 0 < parts.get("/api/replay")[0]["left"] <= EVENTS
    slow.stop()
    parts.null_detector("d1", 0.0, "--unread")
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == ALL, "all is done again")
    assert status(parts)["state"] == "Idle"
    assert [row for row in parts.sql(RESULTS) if row in before] == before
    assert [(one["state"], one["left"]) for one in parts.get("/api/replay")] == [("done", 0)]
    assert wrong(parts) == {}


def test_one_that_is_ended_half_way_and_pictures_that_are_chosen(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    parts.sink()
    detector = parts.null_detector("d1", 0.0, "--unread")
    parts.api()
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == EVENTS, "all is done")
    assert detector.stop() == 0

    done = parts.run("replay", "in-place", "--to-earliest", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pictures"] == EVENTS
    eventually(lambda: replaying(parts, EVENTS), "everything is pending")
    slow = parts.null_detector("d1", 0.3, "--unread")
    eventually(lambda: 0 < parts.get("/api/replay")[0]["left"] < EVENTS, "some is done again")
    assert parts.run("replay", "cancel").returncode == 2, "the group is active"
    slow.stop()
    ended = parts.run("replay", "undo")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("replay: undone: the group goes on where it had been")
    eventually(lambda: status(parts)["completed"] == EVENTS, "nothing is pending any more")
    assert "undone" in parts.run("replay", "list").stdout

    parts.null_detector("d1", 0.0, "--unread").wait_ready()
    emit_images(parts.settings, ALL, EVENTS)
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == ALL, "what comes later is done")
    assert wrong(parts) == {}, "what was done twice was asked for"

    at_hayfield = sum(name == "Hayfield" for _, name in parts.sql(PLACES))
    shown = parts.run("replay", "pictures", "--location", "Hayfield", "--state", "completed", "--dry-run")
    assert shown.stdout.splitlines()[0] == f"[INFO] {at_hayfield} pictures are meant"
    assert post(parts, "/pictures/plan", {"location": "Hayfield"})[1]["pictures"] == at_hayfield
    assert parts.sql("SELECT count(*) FROM request_state") == [(0,)]
    done = parts.run("replay", "pictures", "--location", "Hayfield", "--yes")
    assert done.stdout.splitlines()[-1].startswith(f"replay: {at_hayfield} pictures are asked for now, 0 were")
    parts.wait_drained()
    eventually(lambda: status(parts)["completed"] == ALL, "they are done again")
    answered = "SELECT count(*) FROM request_state WHERE answered >= 0"
    eventually(lambda: parts.sql(answered)[0][0] >= at_hayfield, "each request is answered")

    code, found = post(parts, "/pictures", {"location": "TinMan"})
    assert (code, found["detail"]) == (404, "no location is called 'TinMan'")
    assert post(parts, "/pictures", {})[0] == 422
    assert post(parts, "/pictures", {"taken_from": "2026-01-01T00:00:00Z"})[0] == 422, "local times are meant"
    image = str(parts.sql(PLACES)[0][0])
    assert post(parts, "/pictures", {"ids": [image]}) == (200, {"pictures": 1, "asked": 1})
    parts.wait_drained()
    assert wrong(parts) == {}
