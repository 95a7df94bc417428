"""A port that nobody answers until its door is opened; from then on it leads to a server."""

import socket
import socketserver
import threading
from contextlib import suppress
from typing import Self

AT_ONCE_BYTES = 1 << 16


class _Passage(socketserver.BaseRequestHandler):
    """One connection, both ways."""

    server: "_Porter"

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection(self.server.leads_to, 10) as far:
            far.settimeout(None)
            back = threading.Thread(target=_carry, args=(far, self.request), daemon=True)
            back.start()
            _carry(self.request, far)
            back.join()


class _Porter(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    leads_to: tuple[str, int]


class Door:
    """Closed at first: connections to `port` are refused. leads_to: host and port of a real server."""

    def __init__(self, leads_to: tuple[str, int]) -> None:
        self._leads_to = leads_to
        self._porter: _Porter | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def open(self) -> None:
        """Let everybody through."""
        self._porter = _Porter(("127.0.0.1", self.port), _Passage)
        self._porter.leads_to = self._leads_to
        threading.Thread(target=self._porter.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._porter is not None:
            self._porter.shutdown()
            self._porter.server_close()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Until `source` has no more to say; then `target` is told so."""
    with suppress(OSError):
        while data := source.recv(AT_ONCE_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
