"""Asks an address at a constant rate, whether or not earlier answers have come, so that waiting is counted too.

    python -m benchmarks.open_loop --port 8001 --path /api/processing/status --rate 200 --seconds 30

A request's time runs from the moment when it was due, not from when it could be sent: no coordinated omission. Prints
one JSON object: requests, failed (no answer, or a status that is not 200), p50_ms, p99_ms, worst_ms.
"""

import argparse
import asyncio
import json
import math
from collections import deque
from collections.abc import Sequence

from benchmarks.words import at_least, more_than_nothing
from thumper.clock import SystemClock

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LIMIT_S = 30.0
CLOCK = SystemClock()


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of all are not above (nearest rank). Raises ValueError for none."""
    if not values:
        raise ValueError("there are no values")
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


async def ask(port: int, path: str, rate: float, count: int) -> tuple[list[float], int]:
    """(milliseconds of each answered request, how many failed). Connections are kept and used again."""
    free: deque[Wire] = deque()
    times_ms: list[float] = []
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()

    async def one(due_s: float) -> None:
        reader, writer = free.popleft() if free else await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head)
            if await _status(reader) != 200:
                raise OSError(f"{path} is not answered with 200")
        except BaseException:
            writer.close()
            raise
        free.append((reader, writer))
        times_ms.append(1_000 * (CLOCK.now_s() - due_s))

    tasks = []
    start_s = CLOCK.now_s()
    for number in range(count):
        due_s = start_s + number / rate
        await asyncio.sleep(max(0.0, due_s - CLOCK.now_s()))
        tasks.append(asyncio.create_task(asyncio.wait_for(one(due_s), LIMIT_S)))
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for _, writer in free:
        writer.close()
    failures = [end for end in ends if end is not None]
    if strange := next((end for end in failures if not isinstance(end, OSError | TimeoutError | EOFError)), None):
        raise strange
    return times_ms, len(failures)


async def _status(reader: asyncio.StreamReader) -> int:
    """Read one answer whole; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length.partition(":")[2]))
    return int(head.split()[1])


def main() -> None:
    """Read the arguments, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=at_least(1), required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--rate", type=more_than_nothing, required=True, help="requests a second")
    parser.add_argument("--seconds", type=more_than_nothing, required=True)
    given = parser.parse_args()
    count = math.ceil(given.rate * given.seconds)
    times_ms, failed = asyncio.run(ask(given.port, given.path, given.rate, count))
    found = {"requests": count, "failed": failed}
    if times_ms:
        found |= {"p50_ms": percentile(times_ms, 50), "p99_ms": percentile(times_ms, 99), "worst_ms": max(times_ms)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
