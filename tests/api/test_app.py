"""api/app.py without any server behind it: what is refused before anything is asked, and how."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import _listening, create_app, serve
from api.deps import open_deps
from api.security import MAX_BODY_BYTES
from tests.api.serving import serving
from thumper.clock import SystemClock
from thumper.errors import SettingError, UserError
from thumper.settings import Settings

NOWHERE: dict[str, Any] = {
    "kafka_bootstrap": "127.0.0.1:1",
    "database_url": SecretStr("postgresql://deertrack:secret@127.0.0.1:1/none"),
    "api_port": 0,
}
BATCH = "/api/processing/batch"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, **NOWHERE)


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with open_deps(settings) as deps, serving(create_app(deps)) as found:
        yield found


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (found["status"], found["request_id"]) == (status, answer.headers["x-request-id"])
    assert found["detail"]
    return found


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/processing/batch", {"limit": 0}),
        ("/api/processing/batch", {"limit": 10_001}),
        ("/api/processing/batch", {"limit": "many"}),
        ("/api/processing/batch", {"status": "lost"}),
        ("/api/processing/batch", {"location_id": "Hayfield"}),
        ("/api/processing/status", {"location_id": "Hayfield"}),
        ("/api/images", {"limit": 1_001}),
        ("/api/images", {"cursor": "nonsense"}),
        ("/api/images", {"cursor": "\u00e9"}),
        ("/api/images", {"class": "doe\x00"}),
        ("/api/images", {"status": "processing"}),
        ("/api/images", {"since": "2026-11-01T00:00:00Z"}),
        ("/api/detections", {"min_confidence": 1.5}),
        ("/api/detections", {"min_confidence": "nan"}),
        ("/api/images/nobody", {}),
    ],
)
def test_bad_parameters(client: httpx.Client, path: str, query: dict[str, Any]) -> None:
    answer = client.request("POST" if path.endswith("batch") else "GET", path, params=query)
    problem(answer, 422)


@pytest.mark.parametrize(
    ("path", "limit", "words"),
    [
        ("/api/processing/batch", "0", "greater than or equal to 1"),
        ("/api/processing/batch", "10001", "less than or equal to 10000"),
        ("/api/processing/batch", "1e9", "valid integer"),
        ("/api/images", "0", "greater than or equal to 1"),
        ("/api/images", "1001", "less than or equal to 1000"),
        ("/api/detections", "0", "greater than or equal to 1"),
        ("/api/failures", "1001", "less than or equal to 1000"),
    ],
)
def test_a_limit_that_cannot_be_is_named_with_its_bound(
    client: httpx.Client, path: str, limit: str, words: str
) -> None:
    method = "POST" if path.endswith("batch") else "GET"
    found = problem(client.request(method, path, params={"limit": limit}), 422)
    assert "query.limit" in found["detail"]
    assert words in found["detail"]
    assert found["hint"]
    # The next one is let through as far as the servers that are not there.
    assert client.request(method, path, params={"limit": 1}).status_code == 503


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"{", "application/json", 422, id="half a document"),
        pytest.param(b'{"image_ids": ["x"]}', "application/json", 422, id="no id"),
        pytest.param(b'{"image_ids": "all"}', "application/json", 422, id="no list"),
        pytest.param(b"[1]", "application/json", 422, id="another shape"),
        pytest.param(b"\xff\xfe", "application/json", 400, id="no text"),
        pytest.param(b"[" * 100_000, "application/json", 400, id="too deep"),
        pytest.param(b"image_ids=x", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"--x--", "multipart/form-data; boundary=x", 415, id="multipart"),
        pytest.param(b"{}", "text/plain", 415, id="plain text"),
        pytest.param(b" " * (MAX_BODY_BYTES + 1), "application/json", 413, id="too long"),
    ],
)
def test_bad_bodies(client: httpx.Client, content: bytes, kind: str, status: int) -> None:
    answer = client.post(BATCH, content=content, headers={"Content-Type": kind})
    assert problem(answer, answer.status_code)
    assert answer.status_code == status or (status == 400 and answer.status_code == 422)


def test_a_long_body_without_a_length_is_counted(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 50_000 + 2):
            yield b" " * 50_000

    problem(client.post(BATCH, content=pieces(), headers={"Content-Type": "application/json"}), 413)


def test_more_ids_than_a_batch_may_have(client: httpx.Client) -> None:
    ids = ["4b4f6f3e-8f43-5a0e-9d0a-6a1d5c0f8a11"] * 10_001
    assert "image_ids" in problem(client.post(BATCH, json={"image_ids": ids}), 422)["detail"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8001", "localhost.evil.example", "", "127.0.0.1.nip.io", "a b", "[::1"]
)
def test_a_foreign_host_name_is_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/health", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8001", "127.0.0.1:9", "[::1]:8001", "192.168.1.7:8001"])
def test_our_own_names_are_known(client: httpx.Client, host: str) -> None:
    assert client.get("/openapi.json", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_page_may_not_post(client: httpx.Client, origin: str) -> None:
    problem(client.post(BATCH, headers={"Origin": origin}), 403)


def test_our_own_page_may_post(client: httpx.Client) -> None:
    answer = client.post(BATCH, headers={"Origin": str(client.base_url).rstrip("/")})
    problem(answer, 503)  # let through; only Kafka is missing


@pytest.mark.parametrize(
    ("path", "status"), [("/api/nothing", 404), ("/api/processing/batch", 405), ("/../../etc/passwd", 404)]
)
def test_what_is_not_there(client: httpx.Client, path: str, status: int) -> None:
    problem(client.get(path), status)


def test_no_address_or_secret_in_an_answer(client: httpx.Client) -> None:
    for answer in (client.get("/health"), client.get("/api/status"), client.get("/api/lag"), client.post(BATCH)):
        assert answer.status_code == 503
        assert "secret" not in answer.text
        assert "127.0.0.1" not in answer.text
        assert "Traceback" not in answer.text


def test_every_answer_tells_browsers_not_to_guess(client: httpx.Client) -> None:
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


def test_the_description_names_every_call_once(client: httpx.Client) -> None:
    found = client.get("/openapi.json").json()
    ids = [call["operationId"] for path in found["paths"].values() for call in path.values()]
    assert len(ids) == len(set(ids))
    assert {"/health", "/api/processing/status", BATCH, "/api/images", "/api/detections"} <= set(found["paths"])
    assert client.get("/docs").status_code == 200


class TestToken:
    @pytest.fixture
    def client(self, settings: Settings) -> Iterator[httpx.Client]:
        known = settings.model_copy(update={"api_token": SecretStr("open sesame")})
        with open_deps(known) as deps, serving(create_app(deps)) as found:
            yield found

    @pytest.mark.parametrize("given", [None, "open sesame", "Bearer", "Bearer open", "Basic open sesame", "Bearer é"])
    def test_nothing_changes_without_it(self, client: httpx.Client, given: str | None) -> None:
        headers = {} if given is None else {"Authorization": given.encode()}
        answer = client.post(BATCH, headers=headers)  # type: ignore[arg-type]
        problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"

    def test_with_it(self, client: httpx.Client) -> None:
        problem(client.post(BATCH, headers={"Authorization": "Bearer open sesame"}), 503)

    def test_reading_needs_none(self, client: httpx.Client) -> None:
        assert client.get("/health").status_code == 503


def test_beyond_loopback_a_token_must_be_set_and_there_are_no_docs(settings: Settings) -> None:
    open_to_all = settings.model_copy(update={"api_host": "0.0.0.0"})
    with pytest.raises(SettingError, match="THUMPER_API_TOKEN"):
        serve(open_to_all)
    with_token = open_to_all.model_copy(update={"api_token": SecretStr("x")})
    with open_deps(with_token) as deps, serving(create_app(deps)) as client:
        assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404
        problem(client.post(BATCH), 401)


def test_answers_go_out_at_once_on_connections_that_are_used_again(settings: Settings) -> None:
    with _listening(settings.model_copy(update={"api_port": 0})) as listening:
        # asyncio turns delaying (Nagle) off for connections whose protocol is known to be TCP, and for no others.
        assert listening.proto == socket.IPPROTO_TCP


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=str(port)):
            serve(settings.model_copy(update={"api_port": port}))


SERVE = """
import json, sys
from pathlib import Path
from api.app import serve
from thumper.settings import Settings
given = json.loads(sys.argv[1])
serve(Settings(**given))
"""


def test_it_says_when_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        "data_dir": str(tmp_path),
        "kafka_bootstrap": "127.0.0.1:1",
        "database_url": "postgresql://a@127.0.0.1:1/b",
    }
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, json.dumps({**given, "api_port": port})], stderr=subprocess.PIPE, text=True
    )
    try:
        mark = tmp_path / "run" / "api.ready"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            _wait_for(mark, server)
            assert client.get("/openapi.json").status_code == 200
        assert mark.read_text() == str(server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    finally:
        server.kill()
        server.communicate()


def _wait_for(mark: Path, server: "subprocess.Popen[str]") -> None:
    clock = SystemClock()
    while not mark.exists():
        assert server.poll() is None, server.communicate()[1]
        clock.sleep(0.05)
