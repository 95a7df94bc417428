"""Puts the pages into the API's application: NiceGUI behind the guard, at the pages' own addresses and at no others."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from nicegui import app as pages
from nicegui import ui
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dashboard import live
from api.dashboard.icons import icon
from api.dashboard.view import Asked, View
from api.dashboard.views import VIEWS
from api.deps import Deps

# Pages that are drawn at the same time; each holds a connection to the database.
DRAWN_AT_ONCE = 4
# A browser that is gone for longer loads the page anew.
RECONNECT_WITHIN_S = 5.0
# Renewals that a browser missed while it was away; with more it loads the page anew.
MISSED_KEPT = 50
_NICEGUI = frozenset({"_nicegui", "_nicegui_ws", "favicon.ico"})
# Nobody but this server is asked, whatever a page holds. NiceGUI compiles templates in the browser: 'unsafe-eval'.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def mount(app: FastAPI, deps: Deps) -> None:
    """Serve the dashboard from `app`. Once in a process: NiceGUI keeps its state in the module."""
    drawing = CapacityLimiter(DRAWN_AT_ONCE)
    for view in VIEWS:
        _register(view, VIEWS, deps, drawing)
    ui.run_with(
        app,
        title="Thumper",
        favicon=str(icon("brand")).replace(
            "<svg", '<svg xmlns="http://www.w3.org/2000/svg" stroke="#1f7a4d" fill="none"'
        ),
        dark=None,
        language="en-GB",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_WITHIN_S,
        message_history_length=MISSED_KEPT,
        show_welcome_message=False,
    )
    # Long polling would be requests without the token, and in a form that the guard refuses.
    pages.config.socket_io_js_transports = ["websocket"]
    app.router.routes[-1] = _Pages(_Headers(pages))
    _remember_the_hour(app, deps)


def _register(view: View, views: Sequence[View], deps: Deps, drawing: CapacityLimiter) -> None:
    async def page(request: Request, word: str = "") -> None:
        await live.show(view, views, Asked(deps, request.query_params, word), drawing)

    ui.page(f"{view.path}/{{word}}" if view.inner else view.path, title=view.title, response_timeout=30.0)(page)


def _remember_the_hour(app: FastAPI, deps: Deps) -> None:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[Any]:
        deps.history.start()
        try:
            async with inner(served) as state:
                yield state
        finally:
            # It waits for a look that is under way, up to a time-out; others shall be served meanwhile.
            await to_thread.run_sync(deps.history.close)

    app.router.lifespan_context = lifespan


class _Pages(Mount):
    """Takes the pages' addresses only, so that everything else is answered as it would be without them."""

    def __init__(self, inner: ASGIApp) -> None:
        super().__init__("", app=inner)
        self._first = _NICEGUI | {view.path.strip("/") for view in VIEWS}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is one of them."""
        if scope["type"] not in {"http", "websocket"} or _first_word(scope["path"]) not in self._first:
            return Match.NONE, {}
        return super().matches(scope)


def _first_word(path: str) -> str:
    # A path is not always one: `OPTIONS *` asks about the server as a whole.
    return path.partition("/")[2].partition("/")[0]


class _Headers:
    """Marks every answer with the policy."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"content-security-policy", POLICY.encode())]}
            await send(message)

        await self._inner(scope, receive, marked)
