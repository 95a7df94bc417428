"""The monitor as a real process: alerts come and go for real, and each receiver hears of them once."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import Processes, eventually, free_port, read_all
from thumper.database import make_engine
from thumper.kafka import Names, make_producer, make_transactional_producer
from thumper.lag import LagReader
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EVENTS = 150
QUICK: dict[str, Any] = {
    "alert_idle_s": 2,
    "alert_lag_s": 3,
    "alert_worker_s": 3,
    "alert_transaction_s": 3,
    "alert_silent_days": 30,
    "alert_quiet_s": 0,
}


class Hook:
    """A webhook that keeps what it is sent: `firing NAME`, `resolved NAME`. broken: it answers 500."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.broken = False
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not hook.broken:
                    hook.got[f"{body['status']} {body['alert']['name']}"] += 1
                self.send_response(500 if hook.broken else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def parts(settings: Settings, tmp_path: Path, hook: Hook) -> Iterator[Processes]:
    before_apps(settings)
    address = f"http://127.0.0.1:{hook.server.server_port}/hook"
    given = QUICK | {
        "api_port": free_port(),
        "alert_webhook": SecretStr(address),
        # Nobody is there: the others are told all the same.
        "alert_alertmanager": f"http://127.0.0.1:{free_port()}",
    }
    with Processes(settings.model_copy(update=given), tmp_path) as found:
        yield found


def raised(parts: Processes) -> set[str]:
    return {str(one["name"]) for one in parts.get("/api/alerts")}


def change(settings: Settings, statement: str) -> None:
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def asked_by_the_monitor(settings: Settings) -> list[bytes]:
    return [value for value in read_all(settings, "requests") if b'"requested_by":"monitor"' in value]


def test_it_starts_where_nothing_has_ever_run_and_ends_when_told(settings: Settings, tmp_path: Path) -> None:
    with Processes(settings, tmp_path) as parts:
        monitor = parts.start("monitor").wait_ready()
        assert read_all(settings, "alerts") == []
        second = parts.run("monitor")
        assert second.returncode == 2
        assert "a monitor named monitor runs already" in second.stderr
        assert monitor.stop() == 0


def test_alerts_come_and_go_and_everybody_hears_of_them_once(parts: Processes, hook: Hook) -> None:
    settings = parts.settings
    parts.start("monitor").wait_ready()
    parts.api()
    assert raised(parts) == set(), "nothing is wrong with an empty cluster"

    # Work that nobody does, a camera that has been silent for years, a message that is none, an open transaction.
    parts.sink()
    emit_images(settings, EVENTS)
    producer = make_producer(settings)
    producer.produce(Names(settings).topic("facts"), value=b"no fact")
    producer.flush(30)
    dangling = make_transactional_producer(settings.model_copy(update={"transaction_timeout_ms": 60_000}), "dangling")
    dangling.init_transactions(30)
    dangling.begin_transaction()
    dangling.produce(Names(settings).topic("detections"), value=b"never committed")
    dangling.flush(30)
    held = f"transaction_open/detections/{_open_partition(parts)}"
    wanted = {"idle", "lag/detector", "dead_letters", held}
    eventually(lambda: wanted <= raised(parts), f"{wanted} are raised")
    eventually(lambda: all(hook.got[f"firing {name}"] == 1 for name in wanted), "the webhook has heard of them")
    alert = next(one for one in parts.get("/api/alerts") if one["name"] == "idle")
    assert alert["observed"] == f"{EVENTS} pending, 0 in hand"
    assert alert["runbook"] == "docs/runbook.md#idle"

    # All is well again; a detector that is killed without a word is missed.
    dangling.abort_transaction(30)
    detector = parts.null_detector("d1", 0.0, "--unread").wait_ready()
    parts.wait_drained()
    detector.send(signal.SIGKILL)
    eventually(lambda: "worker_gone/d1" in raised(parts), "the detector is missed")
    gone = wanted - {"dead_letters"}
    eventually(lambda: not gone & raised(parts), "what is over is resolved")
    eventually(lambda: all(hook.got[f"resolved {name}"] == 1 for name in gone), "and the webhook knows")
    assert all(hook.got[f"firing {name}"] == 1 for name in wanted)


def _open_partition(parts: Processes) -> int:
    lags = LagReader(parts.settings)
    stable = lags.ends(["detections"])
    found = [part.number for part, end in lags.high_waters(["detections"]).items() if end > stable[part]]
    lags.close()
    return found[0]


def test_a_monitor_that_starts_again_goes_on_where_it_was(parts: Processes, hook: Hook) -> None:
    settings = parts.settings
    full: dict[str, Any] = {"alert_disk_bytes": 1 << 60, "alert_letters": 0}
    parts.sink()
    parts.null_detector("d1", 0.0, "--unread")
    parts.api()
    monitor = parts.start("monitor", **full).wait_ready()
    eventually(lambda: any(name.startswith("disk_low/") for name in raised(parts)), "the disk is low")
    (low,) = [name for name in raised(parts) if name.startswith("disk_low/")]
    eventually(lambda: hook.got[f"firing {low}"] == 1, "the webhook has heard of it")
    monitor.kill()

    # Three times by hand: each time it is asked for and done; the fourth time nobody asks.
    emit_images(settings, EVENTS)
    parts.wait_drained()
    monitor = parts.start("monitor", **full).wait_ready()
    for times in (1, 2, 3):
        change(settings, "UPDATE images SET processing_status = 'pending'")
        eventually(lambda times=times: len(asked_by_the_monitor(settings)) == times * EVENTS, "all are asked for")  # type: ignore[misc]
        parts.wait_drained()
        eventually(lambda: _pending(parts) == 0, "all are done")
    monitor.stop()
    change(settings, "UPDATE images SET processing_status = 'pending'")
    assert hook.got[f"firing {low}"] == 1, "a raised alert is not raised again by a next life"

    # The limit is lower now: the next life sees that it is over. A broken webhook hears of it once it is mended.
    hook.broken = True
    parts.start("monitor", alert_disk_bytes=0).wait_ready()
    eventually(lambda: low not in raised(parts), "the disk's alert is resolved")
    hook.broken = False
    eventually(lambda: hook.got[f"resolved {low}"] == 1, "the webhook hears of it")
    assert _pending(parts) == EVENTS
    assert len(asked_by_the_monitor(settings)) == 3 * EVENTS


def _pending(parts: Processes) -> int:
    return int(parts.get("/api/processing/status")["pending"])
