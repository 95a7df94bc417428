"""api/counting.py: every request counts once, however it ends."""

import asyncio
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from starlette.types import Message, Receive, Scope, Send

from api.counting import Counted
from tests.scrape import Scrape
from thumper.clock import SteppedClock
from thumper.metering import Board

NAME = "thumper_api_requests_total"
CLOCK = SteppedClock()


class Route:
    """As the router leaves it in the scope."""

    path = "/things/{id}"


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = Route()
    CLOCK.step(2.0)
    await send({"type": "http.response.start", "status": 204, "headers": []})


async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = Route()
    raise RuntimeError("a fault")


async def breaking_late(scope: Scope, receive: Receive, send: Send) -> None:
    await answering(scope, receive, send)
    raise RuntimeError("a fault")


async def left(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("app", "status", "route"),
    [
        pytest.param(answering, "204", Route.path, id="answered"),
        pytest.param(breaking, "500", Route.path, id="broken"),
        pytest.param(breaking_late, "204", Route.path, id="broken after the answer's start"),
        pytest.param(left, "(none)", "(none)", id="the caller went"),
    ],
)
def test_it_counts_once(app: object, status: str, route: str) -> None:
    board = Board()
    sent = asyncio.run(_ask(Counted(app, board, CLOCK)))  # type: ignore[arg-type]
    found = _shown(board)
    assert found.one(NAME, method="GET", route=route, status=status) == found.total(NAME) == 1
    assert found.one("thumper_api_request_seconds_sum") == (2.0 if sent else 0.0)


def test_what_is_no_request_passes_by() -> None:
    board = Board()
    asyncio.run(_ask(Counted(answering, board, CLOCK), kind="lifespan"))
    assert not _shown(board).names


async def _ask(app: Counted, kind: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    with suppress(RuntimeError, asyncio.CancelledError):
        await app({"type": kind, "method": "GET"}, receive, send)
    return sent


def _shown(board: Board) -> Scrape:
    registry = CollectorRegistry()
    registry.register(board)
    return Scrape(generate_latest(registry).decode())
