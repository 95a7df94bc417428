"""Pausing, draining and resuming a group of real processes: they leave and come back, over restarts too."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import CLOCK, Processes, eventually, free_port
from thumper.audit.audit import Asked, audit
from thumper.embedded.apps import environment
from thumper.errors import UserError
from thumper.kafka import Names
from thumper.lag import LagReader
from thumper.settings import Settings

pytestmark = pytest.mark.integration
FIRST, ALL = 60, 100


@pytest.fixture
def parts(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    settings = settings.model_copy(update={"api_port": free_port()})
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


def told(*words: str) -> str:
    """What the command says, at once: not by a process of its own."""
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def members(parts: Processes) -> int:
    with closing(LagReader(parts.settings)) as lags:
        return lags.members("detector")


def reset(parts: Processes) -> str:
    names = Names(parts.settings)
    words = ("--group", names.group("detector"), "--topic", names.topic("images"), "--reset-offsets", "--to-earliest")
    done = parts.run("kafka", "kafka-consumer-groups", *words, "--execute")
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_group_is_paused_over_restarts_and_reset_and_goes_on(parts: Processes) -> None:
    slow, other = (parts.null_detector(name, 0.05, "--unread") for name in ("d1", "d2"))
    parts.sink()
    parts.api()
    slow.wait_ready()
    other.wait_ready()
    emit_images(parts.settings, FIRST)
    assert "detector is paused" in told("pause", "detector")
    assert members(parts) == 0
    assert (slow.process.poll(), other.process.poll()) == (None, None)
    eventually(lambda: parts.get("/api/status")["state"] == "Paused", "the status says so")
    assert {one["state"] for one in parts.get("/api/workers") if one["group"] == "detector"} == {"paused"}
    assert parts.get("/api/alerts") == []

    # One that starts now stays out, and is ready all the same.
    assert other.stop() == 0
    parts.null_detector("d2", 0.0, "--unread").wait_ready()
    assert members(parts) == 0
    assert "Error" not in reset(parts), "an empty group is set back by Kafka's own tool"
    assert "detector runs: 2 members" in told("resume", "detector")
    parts.wait_drained()

    emit_images(parts.settings, ALL, FIRST)
    assert "has done what there was" in told("drain", "detector")
    assert (members(parts), parts.lag("detector")) == (0, 0)
    eventually(lambda: parts.get("/api/status")["completed"] == ALL, "all is done")
    # These pictures have no files; nothing else is wrong, so nothing is lost and nothing twice.
    assert audit(parts.settings, Asked(), CLOCK).findings.wrong.keys() == {"file_missing"}


def test_where_nothing_runs_it_is_said_and_nothing_is_waited_for(parts: Processes) -> None:
    emit_images(parts.settings, 4)
    assert "detector is paused" in told("pause", "detector")
    assert "no process of it runs" in told("resume", "detector")
    with pytest.raises(UserError, match="drains on; 4 offsets are left"):
        told("drain", "detector", "--wait-s", "0")

    # What is passed over is there again, and nothing twice.
    with pytest.raises(UserError, match="detector was not typed"):
        told("skip", "detector")
    assert "4 offsets are skipped" in told("skip", "detector", "--yes", "detector")
    assert parts.lag("detector") == 0
    assert "has done what there was" in told("drain", "detector"), "nobody runs, and nothing is left"
    assert "4 offsets wait again" in told("skip", "detector", "--undo", "--yes", "detector")
    assert parts.lag("detector") == 4
    with pytest.raises(UserError, match="nothing to take back"):
        told("skip", "detector", "--undo")


@pytest.mark.parametrize("command", ["pause", "resume", "drain", "skip"])
def test_a_group_that_there_is_not_is_refused(command: str) -> None:
    with pytest.raises(UserError, match="no group is called 'detectors'"):
        told(command, "detectors")
    if command == "skip":
        with pytest.raises(UserError, match="the sink cannot be skipped"):
            told(command, "sink")
