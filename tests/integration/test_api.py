"""The API over a real log and real tables: the contract, the numbers, queueing, filters, and what bad input gets."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
import typer
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from api.app import create_app
from api.deps import Deps, open_deps
from api.responses import GroupPosition, Lag
from cli.lag import lag_command, with_words
from cli.status import status_command
from schemas.image import location_id
from schemas.worker import WorkerBeat
from tests.api.serving import serving
from tests.api.world import MODEL, World, open_world, settled
from thumper.database import make_engine
from thumper.embedded.apps import environment
from thumper.errors import UserError
from thumper.settings import Settings
from thumper.store import Store
from thumper.topics import ensure_topics

pytestmark = pytest.mark.integration
KEYS = {"total", "pending", "processing", "completed", "failed", "location_id", "completion_rate"}


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with open_world(settings) as found:
        found.activate_model()
        found.record()
        yield found


@pytest.fixture
def deps(world: World) -> Iterator[Deps]:
    with open_deps(world.settings) as found:
        yield found


@pytest.fixture
def client(deps: Deps) -> Iterator[httpx.Client]:
    with serving(create_app(deps)) as found:
        yield found


def fresh(deps: Deps) -> None:
    """Forget the shared reading, which may be a quarter of a second old."""
    deps.now.forget()


def numbers(client: httpx.Client, deps: Deps, **query: str) -> tuple[int, int, int, int, int]:
    fresh(deps)
    answer = client.get("/api/processing/status", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert set(found) == KEYS
    assert found["pending"] + found["processing"] + found["completed"] + found["failed"] == found["total"]
    return found["total"], found["pending"], found["processing"], found["completed"], found["failed"]


def queue(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.post("/api/processing/batch", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert set(found) == {"queued_count", "task_ids", "location_id", "status_filter", "message"}
    assert len(found["task_ids"]) == len(set(found["task_ids"])) == found["queued_count"]
    return found


def wordless(found: Lag) -> Lag:
    return with_words(found, Lag(lag=0, groups=[without_words(group) for group in found.groups]))


def without_words(group: GroupPosition) -> GroupPosition:
    parts = [part.model_copy(update={"status": None}) for part in group.partitions]
    return group.model_copy(update={"status": None, "complete": None, "partitions": parts})


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


def test_numbers_through_the_life_of_pictures(world: World, client: httpx.Client, deps: Deps) -> None:
    assert numbers(client, deps) == (0, 0, 0, 0, 0)
    hayfield, _ = world.add_pictures(7), world.add_pictures(3, "Sanctuary")
    assert numbers(client, deps) == (10, 10, 0, 0, 0)  # not yet registered
    world.record()
    assert numbers(client, deps) == (10, 10, 0, 0, 0)
    assert world.detect(failing=hayfield[:2]) == 10
    assert numbers(client, deps) == (10, 0, 10, 0, 0)  # outcomes committed, not recorded
    world.record()
    assert numbers(client, deps) == (10, 0, 0, 8, 2)
    assert numbers(client, deps, location_id=str(location_id("Sanctuary"))) == (3, 0, 0, 3, 0)
    assert client.get("/api/processing/status").json()["completion_rate"] == 80.0
    assert client.get("/api/status").json()["state"] == "Idle"


def test_a_reset_to_earliest_shows_all_pending_and_runs_down_to_nothing(
    world: World, client: httpx.Client, deps: Deps
) -> None:
    world.add_pictures(20)
    world.record()
    world.detect()
    world.record()
    world.reset_detector()
    assert numbers(client, deps) == (20, 20, 0, 0, 0)
    assert client.get("/api/status").json()["state"] == "Replaying"
    assert client.get("/api/images", params={"status": "completed"}).json()["items"] == []
    world.detect(most=5)
    world.record()
    assert numbers(client, deps) == (20, 15, 0, 5, 0)
    world.detect()
    world.record()
    assert numbers(client, deps) == (20, 0, 0, 20, 0)
    assert client.get("/api/lag").json()["groups"][0]["lag"] == 0


def test_numbers_are_cut_inside_a_block(world: World, client: httpx.Client, deps: Deps) -> None:
    world.add_pictures(400)
    world.record()
    for done in (130, 260):
        world.detect(most=130)
        world.record()
        assert numbers(client, deps) == (400, 400 - done, 0, done, 0)


def test_in_hand_is_what_live_workers_say(world: World, client: httpx.Client, deps: Deps) -> None:
    world.add_pictures(10)
    world.record()
    for name, in_flight in (("detector-1", 3), ("detector-2", 4)):
        beat = WorkerBeat(
            worker=name, role="detector", group="detector", state="running", in_flight=in_flight, id=uuid4().hex
        )
        world.emitter.emit("workers", beat)
    world.emitter.flush(10)
    heard = {"detector-1", "detector-2"}
    while heard - {worker.beat.worker for worker in deps.workers.known()}:
        deps.clock.sleep(0.02)
    assert numbers(client, deps) == (10, 3, 7, 0, 0)
    assert [worker["in_flight"] for worker in client.get("/api/workers").json()] == [3, 4]
    assert client.get("/health").json()["workers"] == 2


def test_waiting_pictures_are_counted_and_not_asked_for(world: World, client: httpx.Client) -> None:
    world.add_pictures(12)
    world.record()
    assert queue(client, limit=10)["queued_count"] == 10
    found = queue(client)
    assert (found["queued_count"], found["status_filter"], found["location_id"]) == (12, "pending", None)
    assert all(task.startswith("images-") for task in found["task_ids"])
    assert world.requests() == []


def test_a_hundred_callers_at_once_ask_for_each_picture_once(world: World, client: httpx.Client, deps: Deps) -> None:
    pictures = world.add_pictures(30)
    world.record()
    world.detect(failing=pictures)
    world.record()
    with world.sinking(), ThreadPoolExecutor(100) as pool:
        answers = [
            call.result() for call in [pool.submit(queue, client, status="failed", limit=10_000) for _ in range(100)]
        ]
    assert sum(answer["queued_count"] for answer in answers) == 30  # then they are pending, not failed
    asked = world.requests()
    assert len(asked) == 30
    assert {json.loads(record.value or b"")["image_id"] for record in asked} == {str(picture) for picture in pictures}
    world.record()
    assert numbers(client, deps) == (30, 30, 0, 0, 0)
    assert world.detect() == 30
    world.record()
    assert numbers(client, deps) == (30, 0, 0, 30, 0)


def test_ids_asked_for_twice_are_one_request(world: World, client: httpx.Client) -> None:
    pictures = world.add_pictures(5)
    world.record()
    world.detect()
    world.record()
    body = {"image_ids": [str(picture) for picture in (*pictures, *pictures)]}
    first = client.post("/api/processing/batch", json=body).json()
    world.record()
    second = client.post("/api/processing/batch", json=body).json()
    assert first["queued_count"] == second["queued_count"] == 5
    assert first["task_ids"] == second["task_ids"]
    assert len(world.requests()) == 5
    world.detect()
    world.record()
    assert client.post("/api/processing/batch", json=body).json()["task_ids"] != first["task_ids"]


def test_rows_reset_by_hand_are_asked_for(world: World, client: httpx.Client, deps: Deps) -> None:
    pictures = world.add_pictures(8)
    world.record()
    world.detect(failing=pictures[:3])
    world.record()
    engine = make_engine(world.settings)
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE images SET processing_status='pending', error_message=NULL "
                "WHERE processing_status='failed' AND error_message LIKE '%not an%'"
            )
        )
    engine.dispose()
    assert numbers(client, deps) == (8, 3, 0, 5, 0)
    assert queue(client, limit=10_000)["queued_count"] == 3
    world.record()
    assert queue(client, limit=10_000)["queued_count"] == 3
    assert len(world.requests()) == 3
    world.detect()
    world.record()
    assert numbers(client, deps) == (8, 0, 0, 8, 0)


def test_failed_pictures_are_retried_by_what_went_wrong(world: World, client: httpx.Client, deps: Deps) -> None:
    pictures = world.add_pictures(6)
    world.record()
    world.detect(failing=pictures[:4])
    world.record()
    path, found = "/api/processing/retry", {"matched": 4, "by_class": {"decode": 4}}
    assert client.post(path, params={"dry_run": True}).json() == {**found, "queued": 0}
    assert client.post(path, params={"error_class": "missing"}).json()["matched"] == 0
    problem(client.post(path, params={"location_id": str(uuid4())}), 404)
    assert numbers(client, deps) == (6, 0, 0, 2, 4)
    assert client.post(path, params={"error_class": "decode", "text": "an image"}).json() == {**found, "queued": 4}
    world.record()
    assert numbers(client, deps) == (6, 4, 0, 2, 0)
    assert client.post(path).json() == {"matched": 0, "by_class": {}, "queued": 0}


def test_groups_are_told_what_to_do(client: httpx.Client) -> None:
    def wanted() -> dict[str, str]:
        return {one["group"]: one["wanted"] for one in client.get("/api/groups").json()}

    assert wanted() == {"detector": "running", "sink": "running"}
    told = client.post("/api/groups/detector/pause").json()
    assert told == {"group": "detector", "wanted": "paused", "wanted_by": "thumper api", "members": 0}
    assert client.post("/api/groups/detector/pause").json() == told
    assert wanted() == {"detector": "paused", "sink": "running"}
    client.post("/api/groups/sink/drain")
    client.post("/api/groups/detector/resume")
    assert wanted() == {"detector": "running", "sink": "draining"}
    problem(client.post("/api/groups/detectors/pause"), 404)


def test_nothing_is_queued_while_the_sink_is_behind(world: World, client: httpx.Client) -> None:
    pictures = world.add_pictures(2)
    world.record()
    world.detect(failing=pictures)
    found = problem(client.post("/api/processing/batch"), 503)
    assert "sink" in found["detail"]
    assert world.requests() == []


def test_unknown_ids_and_places_are_named_and_nothing_is_queued(world: World, client: httpx.Client) -> None:
    picture, nobody = world.add_pictures(1)[0], uuid4()
    world.record()
    world.detect()
    world.record()
    answer = client.post("/api/processing/batch", json={"image_ids": [str(picture), str(nobody)]})
    assert str(nobody) in problem(answer, 404)["detail"]
    assert world.requests() == []
    for path in ("", "/picture", "/thumbnail"):
        found = problem(client.get(f"/api/images/{nobody}{path}"), 404)
        assert (found["detail"], found["hint"]) == (f"no picture has the id {nobody}", "GET /api/images lists them")
    for path, method in (
        ("/api/processing/status", "GET"),
        ("/api/processing/batch", "POST"),
        ("/api/images", "GET"),
        ("/api/detections", "GET"),
        ("/api/failures", "GET"),
    ):
        found = problem(client.request(method, path, params={"location_id": str(nobody)}), 404)
        assert (found["detail"], found["hint"]) == (f"no location has the id {nobody}", "GET /api/locations lists them")
    assert world.requests() == []
    answer = client.post("/api/processing/batch", json={"image_ids": [str(picture)]})
    assert (answer.status_code, answer.json()["queued_count"], len(world.requests())) == (200, 1, 1)


def test_pages_have_everything_once_whatever_their_size(world: World, client: httpx.Client) -> None:
    pictures = world.add_pictures(43)
    world.record()
    world.detect(failing=pictures[:4])
    world.record()
    for path, key, count in (("/api/images", "image_id", 43), ("/api/detections", "image_id", 39)):
        for limit in (1, 7, 43, 1_000):
            found, cursor = [], None
            while True:
                page = client.get(path, params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
                found += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
            assert len(found) == len({item[key] for item in found}) == count
            times = [item["taken_at"] for item in found]
            dated = [time for time in times if time is not None]
            assert times == sorted(dated, reverse=True) + [None] * (len(times) - len(dated))


def test_detections_page_within_a_picture(world: World, client: httpx.Client) -> None:
    world.add_pictures(3)
    world.record()
    world.detect()
    world.record()
    found, cursor = [], None
    for _ in range(6):
        query = {"limit": 1, "min_confidence": 0.1} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/detections", params=query).json()
        found += [(item["image_id"], item["n"]) for item in page["items"]]
        cursor = page["next"]
    assert cursor is None
    assert len(set(found)) == 6


def test_filters(world: World, client: httpx.Client, deps: Deps) -> None:
    hayfield, sanctuary = world.add_pictures(5), world.add_pictures(4, "Sanctuary")
    world.record()
    world.detect(failing=hayfield[:2])
    world.record()
    waiting = world.add_pictures(3, None)
    world.record()

    def images(**query: Any) -> set[str]:
        answer = client.get("/api/images", params=query)
        assert answer.status_code == 200, answer.text
        return {item["image_id"] for item in answer.json()["items"]}

    def words(pictures: list[Any]) -> set[str]:
        return {str(picture) for picture in pictures}

    deps.now.forget()
    assert images(location_id=str(location_id("Sanctuary"))) == words(sanctuary)
    assert images(status="failed") == words(hayfield[:2])
    assert images(status="completed") == words([*hayfield[2:], *sanctuary])
    assert images(status="pending") == words(waiting)
    assert images(**{"class": "doe"}) == words([*hayfield[2:], *sanctuary])
    assert images(**{"class": "pig"}) == set()  # seen at 0.2, shown from 0.5 on
    assert images(**{"class": "pig", "min_confidence": 0.2}) == words([*hayfield[2:], *sanctuary])
    assert images(since="2026-11-01T00:02:00", until="2026-11-01T00:04:00") == words(hayfield[2:4])
    seen = client.get("/api/detections", params={"location_id": str(location_id("Hayfield"))}).json()["items"]
    assert {(item["class_name"], item["location"]) for item in seen} == {("doe", "Hayfield")}
    assert len(seen) == 3


def test_failures_locations_models_and_one_picture(world: World, client: httpx.Client) -> None:
    pictures = world.add_pictures(5)
    world.record()
    world.detect(failing=pictures[:2])
    world.record()
    failures = client.get("/api/failures").json()
    assert failures["pictures"] == 2
    assert failures["failures"][0]["error_class"] == "decode"
    assert failures["failures"][0]["error_message"] == "not an image"
    assert failures["failures"][0]["example_image_id"] in {str(picture) for picture in pictures[:2]}
    (place,) = client.get("/api/locations").json()
    assert (place["name"], place["total"], place["latitude"]) == ("Hayfield", 5, 29.8)
    (model,) = client.get("/api/models").json()
    assert (model["model_id"], model["active"], model["display_threshold"]) == (MODEL.id, True, 0.5)
    one = client.get(f"/api/images/{pictures[4]}").json()
    assert (one["status"], one["location"], [box["class_name"] for box in one["boxes"]]) == (
        "completed",
        "Hayfield",
        ["doe"],
    )
    assert client.get(f"/api/images/{pictures[0]}").json()["error_message"] == "not an image"
    problem(client.get(f"/api/images/{uuid4()}"), 404)


def test_the_picture_itself(world: World, client: httpx.Client) -> None:
    buffer = BytesIO()
    Image.new("RGB", (2_000, 1_000), "#404040").save(buffer, "JPEG")
    data = buffer.getvalue()
    store = Store(world.settings)
    store.open_or_create()
    (picture,) = world.add_pictures(1, data=data)
    (lost,) = world.add_pictures(1)
    store.put(data, hashlib.sha256(data).hexdigest(), ".jpg")
    world.record()
    world.detect()
    world.record()
    original = client.get(f"/api/images/{picture}/picture")
    assert (original.content, original.headers["content-type"]) == (data, "image/jpeg")
    again = client.get(f"/api/images/{picture}/picture", headers={"If-None-Match": original.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    drawn = Image.open(BytesIO(client.get(f"/api/images/{picture}/picture", params={"boxes": True}).content))
    assert drawn.size == (1_600, 800)
    assert drawn.convert("RGB").getpixel((160, 300)) != (64, 64, 64)  # the box's left edge
    small = Image.open(BytesIO(client.get(f"/api/images/{picture}/thumbnail").content))
    assert small.size == (320, 160)
    found = problem(client.get(f"/api/images/{lost}/thumbnail"), 404)
    assert str(world.settings.data_dir) not in json.dumps(found)


def test_lag_per_group_topic_and_partition(world: World, client: httpx.Client) -> None:
    world.add_pictures(9)
    found = client.get("/api/lag").json()
    detector, sink = found["groups"]
    assert (detector["group"], detector["lag"], sink["group"]) == ("detector", 9, "sink")
    assert {part["topic"] for part in detector["partitions"]} == {"images", "requests"}
    assert len(detector["partitions"]) == 2 * world.settings.partitions
    assert found["lag"] == detector["lag"] + sink["lag"]


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        pytest.param({"kafka_bootstrap": "127.0.0.1:1"}, "kafka", id="no broker"),
        pytest.param(
            {"database_url": SecretStr("postgresql://me:secret@127.0.0.1:1/no")}, "database", id="no database"
        ),
    ],
)
def test_what_is_down_is_named_and_nothing_is_guessed(world: World, setting: dict[str, Any], part: str) -> None:
    broken = world.settings.model_copy(update=setting)
    with open_deps(broken) as deps, serving(create_app(deps)) as client:
        health = client.get("/health")
        assert health.status_code == 503
        found = health.json()
        assert found["status"] == "unhealthy"
        assert [name for name, state in found["parts"].items() if state != "ok"] == [part]
        for path in ("/api/processing/status", "/api/status", "/api/images", "/api/failures"):
            answer = client.get(path)
            problem(answer, 503)
            assert "secret" not in answer.text
            assert "127.0.0.1" not in answer.text
        problem(client.post("/api/processing/batch"), 503)


def test_without_tables_the_answer_says_so(settings: Settings) -> None:
    ensure_topics(settings)
    settled(settings)
    with open_deps(settings) as deps, serving(create_app(deps)) as client:
        assert "tables" in problem(client.get("/api/processing/status"), 503)["detail"]
        problem(client.post("/api/processing/batch"), 503)


def test_healthy(client: httpx.Client) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")


def test_the_terminal_says_the_same(world: World, client: httpx.Client, deps: Deps) -> None:
    pictures = world.add_pictures(6)
    world.record()
    world.detect(failing=pictures[:1])
    world.record()
    world.add_pictures(2, "Sanctuary")
    world.record()
    terminal = typer.Typer()
    terminal.command("status")(status_command)
    terminal.command("lag")(lag_command)
    known = environment(world.settings)

    def said(*words: str) -> str:
        result = CliRunner().invoke(terminal, words, env=known, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    deps.now.forget()
    assert json.loads(said("status", "--json")) == client.get("/api/status").json()
    by_api = Lag.model_validate(client.get("/api/lag").json())
    assert Lag.model_validate_json(said("lag", "--json")) == wordless(by_api), "its words would be those of port 0"
    assert [line.split()[:6] for line in said("status").splitlines()][1:4] == [
        ["Hayfield", "6", "0", "0", "5", "1"],
        ["Sanctuary", "2", "2", "0", "0", "0"],
        ["all", "8", "2", "0", "5", "1"],
    ]
    assert said("status", "--location", "Sanctuary").splitlines()[1].split()[:3] == ["Sanctuary", "2", "2"]
    with pytest.raises(UserError, match="Nowhere"):
        said("status", "--location", "Nowhere")
