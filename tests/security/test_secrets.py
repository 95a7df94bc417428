"""Secrets: of real parts with passwords in their settings, none stands in an argument list, a log or an answer."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from cli.wiring import before_apps
from tests.processes import Part, Processes, free_port
from thumper.embedded.stack import EmbeddedStack
from thumper.settings import Settings, read_settings

pytestmark = pytest.mark.integration
TOKEN = "token-9f2b7c"
KAFKA_PASSWORD = "kafka-5d1e8a"
S3_KEY = "s3key-77aa21"
WRONG = "wrong-31c0de"


def secrets(settings: Settings) -> tuple[str, ...]:
    address = make_url((settings.database_url or SecretStr("")).get_secret_value())
    return TOKEN, KAFKA_PASSWORD, S3_KEY, WRONG, str(address.password)


@pytest.fixture
def parts(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEY)
    told = settings.model_copy(
        update={
            "api_token": SecretStr(TOKEN),
            "kafka_sasl_password": SecretStr(KAFKA_PASSWORD),
            "kafka_sasl_username": "me",
            "api_port": free_port(),
            "log_level": "DEBUG",
        }
    )
    before_apps(settings)
    with Processes(told, tmp_path) as found:
        yield found


def test_no_secret_comes_out_of_running_parts(parts: Processes, stack: EmbeddedStack) -> None:
    hidden = secrets(parts.settings)
    running = [parts.sink().wait_ready(), parts.null_detector().wait_ready(), parts.api()]
    assert_hidden(hidden, answers(parts), "an answer")
    assert_hidden(hidden, arguments(running, stack), "an argument list")
    for part in running:
        part.send(signal.SIGTERM)
        part.process.wait(60)
        assert_hidden(hidden, part.log, f"the log of {part.name}")


def test_no_secret_comes_out_of_what_goes_wrong(parts: Processes) -> None:
    hidden = secrets(parts.settings)
    address = make_url((parts.settings.database_url or SecretStr("")).get_secret_value())
    wrong = SecretStr(address.set(password=WRONG).render_as_string(hide_password=False))
    for changed in ({"database_url": wrong}, {"kafka_bootstrap": f"me:{WRONG}@127.0.0.1:1"}):
        done = parts.run("status", **changed)
        assert done.returncode == 3, done.stderr
        assert_hidden(hidden, done.stdout + done.stderr, str(sorted(changed)))
    checked = parts.run("check", "--json", database_url=wrong)
    assert "password authentication failed" in checked.stdout
    assert_hidden(hidden, checked.stdout + checked.stderr, "check")
    nonsense = parts.run("status", database_url=SecretStr(f"mysql://me:{WRONG}@here/x"))
    assert nonsense.returncode == 2
    assert_hidden(hidden, nonsense.stdout + nonsense.stderr, "nonsense")


def test_settings_hide_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "KAFKA_SASL_PASSWORD", "API_TOKEN"):
        monkeypatch.setenv(f"THUMPER_{name}", WRONG)
    settings = read_settings()
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert WRONG not in shown


def test_files_with_secrets_are_their_owners_alone(stack: EmbeddedStack) -> None:
    hidden = (stack.state().password, stack.state().superuser_password)
    found = 0
    for path in stack.data_dir.rglob("*"):
        if (
            path.is_file()
            and path.stat().st_size < 100_000
            and path.suffix in (".json", ".conf", ".properties", ".log")
        ):
            text = path.read_text("utf-8", errors="replace")
            if any(secret in text for secret in hidden):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
                found += 1
    assert found > 0, "stack.json at least"
    assert not list(stack.data_dir.rglob("pwfile"))


def assert_hidden(hidden: tuple[str, ...], text: str, where: str) -> None:
    found = [secret for secret in hidden if secret in text]
    assert not found, f"{found} in {where}"


def answers(parts: Processes) -> str:
    """All that the API says of itself, refusals included."""
    calls = ["/", "/health", "/metrics", "/openapi.json", "/nothing", "/api/processing/status", "/api/workers"]
    calls += ["/api/lag", "/api/alerts", "/api/images?limit=x", "/api/dead-letters", f"/api/images/{'0' * 40}"]
    with httpx.Client(base_url=f"http://127.0.0.1:{parts.settings.api_port}", timeout=30) as client:
        said = [client.get(path) for path in calls]
        for header in ("", "Bearer x", f"Basic {WRONG}"):
            said.append(client.post("/api/processing/batch", headers={"Authorization": header}))
    assert [answer.status_code for answer in said[-3:]] == [401, 401, 401]
    return "\n".join(f"{answer.headers} {answer.text}" for answer in said)


def arguments(running: list[Part], stack: EmbeddedStack) -> str:
    """The argument lists of the parts, their children, and the servers: what any user of the machine can read."""
    pids = [part.process.pid for part in running]
    pids += [program.pid for program in stack.programs().values() if program.pid]
    family = [process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(True))]
    return "\n".join(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode() for process in family) + os.linesep
