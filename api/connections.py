"""What a connection may do before it is a request: how long its head may be, and how long it may take to send it."""

import asyncio
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

# Enough for a crowd of scripts and browsers; beyond it callers get 503 at once instead of waiting for ever.
MOST_CONNECTIONS = 300
KEEP_ALIVE_S = 15
STOP_WITHIN_S = 10
# Request line and headers together. Browsers send some hundred bytes, with large cookies some thousand.
MOST_HEAD_BYTES = 65_536
HEAD_WITHIN_S = 15.0
# One message on a websocket; as much as a body.
MOST_MESSAGE_BYTES = 1_000_000


def server_config(app: FastAPI, head_within_s: float = HEAD_WITHIN_S) -> uvicorn.Config:
    """Uvicorn's settings for `app`."""
    return uvicorn.Config(
        app,
        # Not httptools, which takes heads of any length into memory. h11 costs 0.05 ms more a request.
        http=partial(PromptProtocol, head_within_s=head_within_s),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        ws_max_size=MOST_MESSAGE_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


class PromptProtocol(H11Protocol):
    """Closes connections that do not come to the point: uvicorn itself lets a half-sent head stay for ever."""

    def __init__(self, *arguments: Any, head_within_s: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_within_s = head_within_s
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A first head is due."""
        super().connection_made(transport)
        self._expect_head()

    def handle_events(self) -> None:
        """A head that is complete is no longer due."""
        served = self.cycle
        super().handle_events()
        if self.cycle is not served or self.transport.get_protocol() is not self:
            self._forget()

    def on_response_complete(self) -> None:
        """The next head is due, unless nothing comes at all, which uvicorn ends earlier."""
        # Before it goes on: a head that has come already is taken at once, and then none is due.
        self._expect_head()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._forget()
        self._deadline = self.loop.call_later(self._head_within_s, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
