"""ASGI middleware that counts and times requests, by route and not by path: paths have no end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thumper.clock import Clock
from thumper.metering import Board
from thumper.metrics import API_REQUESTS, API_SECONDS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "(none)"
# The caller was gone before there was one.
NO_ANSWER = "(none)"


class Counted:
    """In front of everything, so that what is refused counts too."""

    def __init__(self, app: ASGIApp, board: Board, clock: Clock) -> None:
        self._app = app
        self._board = board
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_s = self._clock.now_s()
        status = NO_ANSWER

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception:
            # Answered further out, as a fault of the program.
            status = "500" if status == NO_ANSWER else status
            raise
        finally:
            self._count(scope, status, self._clock.now_s() - start_s)

    def _count(self, scope: Scope, status: str, took_s: float) -> None:
        # The router has left the route that it found in the scope.
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._board.add(API_REQUESTS, method, route, status)
        seconds = self._board.spread(API_SECONDS, route)
        with self._board.lock:
            seconds.add(took_s)
