"""The HTTP application: routes, guard, problem documents; and the server that runs it."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api import problems
from api.connections import server_config
from api.counting import Counted
from api.deps import Deps, open_deps
from api.problems import Problem
from api.routes import (
    alerts,
    batch,
    dead_letters,
    detections,
    groups,
    health,
    images,
    lag,
    metrics,
    overview,
    replay,
    status,
    trace,
    uploads,
)
from api.security import Guard, is_loopback, refuse_open_door
from api.uploads import Uploads
from thumper.errors import UserError
from thumper.settings import Settings

_PROBLEM = {"model": Problem, "content": {problems.MEDIA_TYPE: {}}}
_ROUTES = (
    health,
    status,
    batch,
    images,
    trace,
    uploads,
    detections,
    overview,
    lag,
    alerts,
    dead_letters,
    replay,
    groups,
    metrics,
)
_MAY_HAPPEN = {404: "Not there", 422: "Not understood", 503: "Kafka or the database cannot be read"}


def create_app(deps: Deps) -> FastAPI:
    """The application over `deps`. Raises SettingError if others could reach it and no token is set."""
    refuse_open_door(deps.settings)
    # A stranger need not know what there is to ask for.
    open_docs = is_loopback(deps.settings.api_host)
    app = FastAPI(
        title="thumper",
        description="Progress, results and pictures of the wildlife-image pipeline.",
        version="1.0",
        license_info={"name": "AGPL-3.0-only", "identifier": "AGPL-3.0-only"},
        openapi_url="/openapi.json" if open_docs else None,
        docs_url="/docs" if open_docs else None,
        redoc_url=None,
        responses={code: {**_PROBLEM, "description": text} for code, text in _MAY_HAPPEN.items()},
    )
    app.state.deps = deps
    problems.install(app)
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.add_middleware(Guard, settings=deps.settings)
    app.add_middleware(Counted, board=deps.board, clock=deps.clock)
    return app


def serve(settings: Settings, on_ready: Callable[[], None] | None = None, uploads: Uploads | None = None) -> None:
    """Serve the API and the dashboard until SIGTERM or SIGINT; requests in progress get 10 s to end.

    settings: connected (with the addresses of Kafka and PostgreSQL). on_ready is called once it accepts connections;
    None: `<data_dir>/run/api.ready` gets this process's id.
    uploads: who takes pictures in; None: nobody.
    Raises SettingError, UserError if the address is taken.
    """
    # Here, so that what only asks the API's parts (`thumper status`) does without NiceGUI: a second and 80 MB.
    from api.dashboard.host import mount  # noqa: PLC0415

    refuse_open_door(settings)
    with _listening(settings) as listening, open_deps(settings, uploads) as deps:
        app = create_app(deps)
        mount(app, deps)
        if uploads is not None:
            # Only now: whoever holds the address is the one that takes pictures in.
            uploads.sweep()
        _Server(server_config(app), on_ready or (lambda: _mark_ready(settings))).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the serving. uvicorn itself would then kill the process, clients still open."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {kind: signal.signal(kind, self.handle_exit) for kind in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    host, port = settings.api_host, settings.api_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows that an answer's last part may go at once (TCP_NODELAY): else it waits for the
    # client's acknowledgement, 40 ms, on every connection that is used again.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}:{port}: {error.strerror or error}", "set THUMPER_API_PORT or THUMPER_API_HOST"
            ) from None
        yield listening


def _mark_ready(settings: Settings) -> None:
    mark = settings.data_dir / "run" / "api.ready"
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(str(os.getpid()), "ascii")
