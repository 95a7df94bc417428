"""Free TCP ports: the usual one, else one near it, else any."""

import socket
from collections.abc import Collection, Iterator

# Far enough that two or three stacks on one machine keep recognisable ports.
_NEARBY = 40


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on it now. Port 0 is always free: the system picks."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that wait for their end (TIME_WAIT) do not keep a server from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except (OSError, OverflowError):
            return False
    return True


def choose(wanted: int, taken: Collection[int] = (), host: str = "127.0.0.1") -> int:
    """A free port that is not in `taken`: `wanted`, else the next ones, else any. 0 wants any."""
    return next(port for port in _candidates(wanted, host) if port not in taken and is_free(port, host))


def _candidates(wanted: int, host: str) -> Iterator[int]:
    if wanted:
        yield from range(wanted, min(wanted + _NEARBY, 65_536))
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
        yield port
