"""A webhook and an Alertmanager, as real servers on this machine: what they get, and what happens if they refuse."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from processors.monitor.receivers import Alertmanager, NotDelivered, Refused, Webhook, receivers
from schemas.alert import Alert
from tests.processes import free_port
from thumper.alerts import Words, make_alert
from thumper.clock import SteppedClock
from thumper.errors import SettingError
from thumper.settings import Settings, read_settings

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
RAISED = make_alert("lag/sink", Words("sink is behind", "look", "2 h", "1 h", NOON), NOON, "thumper/monitor")
OVER = make_alert("lag/sink", Words("it is over"), NOON, "thumper/monitor")


class Server:
    """Answers with `status` and keeps what it was sent: (path, body)."""

    def __init__(self, status: int) -> None:
        self.got: list[tuple[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def serving(status: int = 200) -> Iterator[Server]:
    server = Server(status)
    thread = threading.Thread(target=server.server.serve_forever)
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()


def test_a_webhook_gets_words_and_the_whole_alert() -> None:
    with serving() as server:
        Webhook(server.address + "/hook?key=1", 600).send([RAISED, OVER])
    (path, first), (_, second) = server.got
    assert path == "/hook?key=1"
    assert first["status"] == "firing"
    assert first["text"] == "firing: sink is behind (lag/sink). look"
    assert Alert.model_validate_json(json.dumps(first["alert"])) == RAISED
    assert second["status"] == "resolved"


def test_an_alertmanager_gets_labels_that_stay_the_same_and_times() -> None:
    clock = SteppedClock(NOON)
    with serving() as server:
        Alertmanager(server.address + "/", clock).send([RAISED])
        Alertmanager(server.address, clock).send([OVER])
        Alertmanager(server.address, clock).send([])
    (path, (first,)), (_, (second,)) = server.got
    assert path == "/api/v2/alerts"
    assert first["labels"] == second["labels"]
    assert first["labels"] == {"alertname": "Thumper_lag", "name": "lag/sink", "about": "sink", "service": "thumper"}
    assert first["annotations"]["runbook_url"] == "docs/runbook.md#lag"
    assert first["startsAt"] == "2026-11-03T12:00:00+00:00"
    assert first["endsAt"] == "2026-11-03T12:04:00+00:00"
    assert second["endsAt"] == "2026-11-03T12:00:00+00:00"


@pytest.mark.parametrize("status", [302, 400, 404, 500])
def test_who_refuses_has_not_been_told_and_the_address_stays_secret(status: int) -> None:
    with serving(status) as server, pytest.raises(NotDelivered) as caught:
        Webhook(server.address + "/secret", 0).send([RAISED])
    assert caught.value.message == f"the webhook answers {status}"
    assert len(server.got) == 1


@pytest.mark.parametrize(("status", "refused"), [(400, True), (404, True), (408, False), (429, False), (503, False)])
def test_who_does_not_want_it_and_who_cannot_take_it_now_are_told_apart(status: int, refused: bool) -> None:
    with serving(status) as server, pytest.raises(NotDelivered) as caught:
        Webhook(server.address, 0).send([RAISED])
    assert isinstance(caught.value, Refused) == refused


def test_an_answer_that_is_no_http_is_not_delivered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            taken, _ = server.accept()
            with taken:
                taken.recv(65_536)
                taken.sendall(b"220 mail here\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NotDelivered) as caught:
            Webhook(f"http://127.0.0.1:{server.getsockname()[1]}", 0).send([RAISED])
        thread.join()
    assert "BadStatusLine" in caught.value.message


def test_nobody_there_is_not_delivered() -> None:
    with pytest.raises(NotDelivered) as caught:
        Alertmanager(f"http://127.0.0.1:{free_port()}", SteppedClock()).send([RAISED])
    assert "ConnectionRefusedError" in caught.value.message


def test_only_the_log_unless_more_is_set() -> None:
    clock = SteppedClock()
    assert [one.name for one in receivers(Settings(), clock)] == ["log"]
    set_ = Settings.model_validate({"alert_webhook": "https://a.example", "alert_alertmanager": "http://b.example"})
    assert [one.name for one in receivers(set_, clock)] == ["log", "webhook", "alertmanager"]


@pytest.mark.parametrize("address", ["ftp://a", "a.example", "http://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused_without_being_shown(address: str) -> None:
    for name in ("alert_webhook", "alert_alertmanager"):
        with pytest.raises(SettingError, match=f"THUMPER_{name.upper()}: .*http://") as caught:
            read_settings(**{name: address})
        assert name != "alert_webhook" or address not in caught.value.message.replace("http:// or https://", "")


def test_an_empty_address_is_none() -> None:
    assert read_settings(alert_webhook="", alert_alertmanager="").alert_webhook is None
