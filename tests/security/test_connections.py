"""What comes before a request, on a bare socket: heads without an end, heads that do not come, other pages' sockets."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import psutil
import pytest
from fastapi import FastAPI, WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from api.app import create_app
from api.connections import MOST_HEAD_BYTES
from api.deps import open_deps
from api.security import Guard
from tests.api.serving import serving
from tests.api.test_app import BATCH, NOWHERE
from thumper.settings import Settings

PIECE = b"a" * 100_000
GIVE_UP_S = 30
SHORT_S = 0.5


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("api"), **NOWHERE)
    with open_deps(settings) as deps, serving(create_app(deps), SHORT_S) as found:
        yield found


def call(client: httpx.Client) -> socket.socket:
    found = socket.create_connection((client.base_url.host, client.base_url.port or 0), GIVE_UP_S)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    return found


def send(to: socket.socket, start: bytes, piece: bytes, times: int) -> int:
    """How many bytes the server takes before it hangs up."""
    sent = 0
    try:
        for part in (start, *(piece for _ in range(times))):
            to.sendall(part)
            sent += len(part)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"GET /", PIECE, id="target"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ", PIECE, id="one header"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n" * 20_000, id="many headers"),
        pytest.param(b"\r\n", PIECE, id="no HTTP"),
    ],
)
def test_a_head_without_an_end_is_cut_off(client: httpx.Client, start: bytes, piece: bytes) -> None:
    before = psutil.Process().memory_info().rss
    with call(client) as caller:
        # What the system's buffers take, beside what is read.
        assert send(caller, start, piece, 1_000) < MOST_HEAD_BYTES + 20_000_000
    assert psutil.Process().memory_info().rss - before < 50_000_000
    assert client.get("/nothing").status_code == 404


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: local"], ids=["nothing", "half a head"])
def test_a_head_that_does_not_come_ends_its_connection(client: httpx.Client, sent: bytes) -> None:
    with call(client) as caller:
        caller.sendall(sent)
        assert caller.recv(100) == b"", "closed by the server, without a word"


def test_half_a_head_after_an_answer_ends_the_connection_too(client: httpx.Client) -> None:
    whole = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with call(client) as caller:
        caller.sendall(whole)
        assert caller.recv(100_000).startswith(b"HTTP/1.1 404")
        caller.sendall(whole[:20])
        assert caller.recv(100) == b""


def test_a_request_that_came_with_the_one_before_it_gets_its_whole_time() -> None:
    app = FastAPI()

    @app.get("/{seconds}")
    async def answer(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "whole"

    head = "GET /{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
    both = head.format("0", "") + head.format(3 * SHORT_S, "Connection: close\r\n")
    with serving(app, SHORT_S) as client, call(client) as caller, caller.makefile("rb") as answers:
        caller.sendall(both.encode())
        assert answers.read().count(b"whole") == 2


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", id="two lengths"),
        pytest.param(b"Content-Length: -1\r\n\r\n{}", id="a negative length"),
        pytest.param(b"Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n{}", id="an unknown encoding"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\n{}", id="an endless piece"),
    ],
)
def test_a_body_of_no_certain_length_is_refused(client: httpx.Client, framing: bytes) -> None:
    head = f"POST {BATCH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    with call(client) as caller:
        caller.sendall(head + framing)
        assert caller.recv(100).split(b" ")[1] in (b"400", b"501")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A websocket behind the guard: whatever route there is or will be."""
    app = FastAPI()

    @app.websocket("/ws")
    async def answer(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")

    app.add_middleware(Guard, settings=Settings(data_dir=tmp_path_factory.mktemp("echo"), **NOWHERE))
    with serving(app) as client:
        yield f"ws://{client.base_url.host}:{client.base_url.port}/ws"


def test_our_own_page_and_programs_may_open_a_socket(echo: str) -> None:
    for origin in (Origin(echo.replace("ws://", "http://").removesuffix("/ws")), None):
        with connect(echo, origin=origin, proxy=None) as found:
            assert found.recv(GIVE_UP_S) == "in"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_page_may_not_open_a_socket(echo: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(echo, origin=Origin(origin), proxy=None)
    assert refused.value.response.status_code == 403


def test_nor_may_one_that_gave_us_its_name(echo: str) -> None:
    address = echo.removeprefix("ws://").removesuffix("/ws")
    with (
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as caller,
        pytest.raises(InvalidStatus) as refused,
    ):
        connect("ws://evil.example/ws", sock=caller, origin=Origin("http://evil.example"), proxy=None)
    assert refused.value.response.status_code == 403
