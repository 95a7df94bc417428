"""A broker or a database that is not there: commands say so and end, parts wait and then do their work."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from cli.wiring import before_apps
from tests.door import Door
from tests.processes import PATIENCE_S, Part, Processes, eventually, free_port
from tests.producers.pictures import card
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
WORDS = {
    "status": ("status",),
    "lag": ("lag",),
    "init": ("init",),
    "check": ("check", "--json"),
    "import": ("import", "card"),
}


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def database_at(settings: Settings, port: int) -> SecretStr:
    assert settings.database_url is not None
    url = make_url(settings.database_url.get_secret_value())
    return SecretStr(url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False))


def without(settings: Settings, what: str) -> dict[str, Any]:
    """Settings that lead to nobody."""
    port = free_port()
    if what == "kafka":
        return {"kafka_bootstrap": f"127.0.0.1:{port}"}
    return {"database_url": database_at(settings, port)}


def password(settings: Settings) -> str:
    assert settings.database_url is not None
    found = make_url(settings.database_url.get_secret_value()).password
    assert found
    return found


@pytest.mark.parametrize(
    ("what", "name", "codes"),
    [
        pytest.param("kafka", "Kafka", {"status": 3, "lag": 3, "init": 3, "check": 1, "import": 3}, id="broker"),
        pytest.param(
            "database", "PostgreSQL", {"status": 3, "lag": 0, "init": 3, "check": 1, "import": 3}, id="database"
        ),
    ],
)
def test_commands_say_what_is_not_there_and_the_next_try_works(
    parts: Processes, tmp_path: Path, what: str, name: str, codes: dict[str, int]
) -> None:
    card(tmp_path / "card", Hayfield=2)
    before_apps(parts.settings)
    away = without(parts.settings, what)
    tries = {command: parts.start(*WORDS[command], **away) for command in codes}
    assert {command: tried.process.wait(PATIENCE_S) for command, tried in tries.items()} == codes
    for command, tried in tries.items():
        assert "Traceback" not in tried.log
        assert password(parts.settings) not in tried.log
        if codes[command]:
            assert name in tried.log, tried.log
            assert "is it running" in tried.log, tried.log
    failed = [finding for finding in json.loads(tries["check"].log)["findings"] if finding["state"] == "fail"]
    assert [finding["part"] for finding in failed] == [name]
    assert parts.sql("SELECT count(*) FROM image") == [(0,)]

    parts.sink().wait_ready()
    done = parts.run(*WORDS["import"])
    assert (done.returncode, "[OK] Total new imports: 2" in done.stdout) == (0, True), done.stderr


def health(parts: Processes) -> tuple[int, dict[str, str]]:
    """HTTP status, and what /health says of each part."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{parts.settings.api_port}/health", timeout=30, trust_env=False)
    except httpx.TransportError:
        return 0, {}
    return answer.status_code, {
        name: "ok" if state == "ok" else "away" for name, state in answer.json()["parts"].items()
    }


def says(part: Part, *words: str) -> bool:
    """Whether it waits for something of which it says these words."""
    assert part.process.poll() is None, part.log
    waiting = [line for line in part.log.splitlines() if '"waiting"' in line]
    return any(all(word in line for word in words) for line in waiting)


def test_parts_that_were_there_first_wait_and_then_work(parts: Processes, tmp_path: Path) -> None:
    real = parts.settings
    assert real.kafka_bootstrap is not None
    assert real.database_url is not None
    url = make_url(real.database_url.get_secret_value())
    host, _, port = real.kafka_bootstrap.rpartition(":")
    with Door((host, int(port))) as broker, Door((url.host or "", url.port or 0)) as database:
        doors: dict[str, Any] = {
            "kafka_bootstrap": f"127.0.0.1:{broker.port}",
            "database_url": database_at(real, database.port),
        }
        sink, api = parts.start("sink", "--name", "sink", **doors), parts.start("api", **doors)
        detector = parts.start("detector", "--name", "d1", **doors)
        eventually(lambda: health(parts) == (503, {"kafka": "away", "database": "away"}), "the API says what is away")
        eventually(lambda: says(sink, "no answer from Kafka", "thumper check"), "the sink says what it waits for")
        eventually(lambda: says(detector, "no answer from Kafka", "thumper check"), "the detector says it as well")

        broker.open()
        eventually(lambda: says(sink, "PostgreSQL", "thumper check"), "the sink waits for the database")
        eventually(lambda: health(parts) == (503, {"kafka": "ok", "database": "away"}), "the API says what is away")
        detector.wait_ready()

        database.open()
        sink.wait_ready()
        done = parts.run("import", str(card(tmp_path / "card", Hayfield=3)))
        assert done.returncode == 0, done.stderr
        parts.wait_drained()
        assert [parts.status()[name] for name in ("total", "completed", "lag")] == [3, 3, 0]
        eventually(lambda: health(parts) == (200, {"kafka": "ok", "database": "ok"}), "the API is healthy")
        for part in (sink, api, detector):
            assert "Traceback" not in part.log
            assert password(real) not in part.log
        assert [part.stop() for part in (detector, api, sink)] == [0, 0, 0]
