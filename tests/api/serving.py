"""An application behind a real socket, for as long as a test needs it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from api.connections import HEAD_WITHIN_S, server_config


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(app: FastAPI, head_within_s: float = HEAD_WITHIN_S) -> Iterator[httpx.Client]:
    """A client of `app` on a free port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(server_config(app, head_within_s))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert server.ready.wait(20)
            with httpx.Client(base_url=address, timeout=60, limits=httpx.Limits(max_connections=150)) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
