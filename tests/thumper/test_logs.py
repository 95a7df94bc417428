"""Lines of the log: whole, one each, with what stands on all of them, and written together where that is asked."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from thumper.logs import configure_logs, together
from thumper.settings import Settings


@pytest.fixture
def log(capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    configure_logs(Settings(_env_file=None, log_format="json"), worker="w1", role="detector")
    yield structlog.get_logger("test").bind()
    structlog.reset_defaults()


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_a_line_says_who_when_and_how_bad(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    log.warning("waiting", seconds=1.5)
    [line] = lines(capfd)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "waiting", "seconds": 1.5, "worker": "w1", "role": "detector", "level": "warning"}


def test_lines_of_other_threads_say_it_too(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=lambda: log.info("there"))
    thread.start()
    thread.join()
    assert lines(capfd)[0]["worker"] == "w1"


def test_below_the_level_there_is_nothing(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    log.debug("detail")
    assert lines(capfd) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("Häuser", "Häuser", id="beyond ASCII"),
        pytest.param('a\n{"event":"forged"}', 'a\\n{"event":"forged"}', id="a line end"),
        pytest.param("a\udcff", "a\\udcff", id="half a character"),
        pytest.param(["\udcff"], ["\udcff"], id="half a character within"),
        pytest.param(b"\xff", "b'\\xff'", id="bytes"),
        pytest.param(Path("/a"), "/a", id="a path"),
    ],
)
def test_whatever_is_said_is_one_line_of_json(
    log: Any, capfd: pytest.CaptureFixture[str], value: object, said: object
) -> None:
    log.info("said", value=value)
    [line] = lines(capfd)
    assert line["value"] == said


def test_an_exception_has_its_traceback(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("a fault")
    [line] = lines(capfd)
    assert line["level"] == "error"
    assert "ValueError: no" in line["exception"]


def test_together_is_written_at_its_end_and_in_order(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with together():
        log.info("first")
        log.info("second")
        assert lines(capfd) == []
    log.info("third")
    assert [line["event"] for line in lines(capfd)] == ["first", "second", "third"]


def test_together_holds_back_no_other_thread(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with together():
        log.info("mine")
        thread = threading.Thread(target=lambda: log.info("another's"))
        thread.start()
        thread.join()
        assert [line["event"] for line in lines(capfd)] == ["another's"]


def test_what_was_said_before_a_failure_is_not_lost(log: Any, capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        with together():
            log.info("before")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert [line["event"] for line in lines(capfd)] == ["before"]
