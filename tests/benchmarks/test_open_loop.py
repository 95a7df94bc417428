"""What an open loop counts: every request that was due, and the waiting too."""

import asyncio
from collections.abc import Sequence

import pytest

from benchmarks.open_loop import ask, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([3.0, 1.0, 2.0], 50, 2.0, id="the middle one"),
        pytest.param(range(1, 101), 99, 99, id="the ninety-ninth"),
        pytest.param([5.0], 99, 5.0, id="the only one"),
        pytest.param([1.0, 2.0], 0, 1.0, id="the least"),
    ],
)
def test_a_percentile_is_one_of_the_values(values: Sequence[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_of_nothing_there_is_none() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_requests_go_out_though_earlier_ones_have_no_answer() -> None:
    asyncio.run(_all_are_open_at_once(20))


async def _all_are_open_at_once(count: int) -> None:
    """A server that answers nobody before all have come; the last one it refuses."""
    come = 0
    all_here = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal come
        await reader.readuntil(b"\r\n\r\n")
        come += 1
        status = "503 Down" if come == count else "200 OK"
        if come == count:
            all_here.set()
        await all_here.wait()
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        times_ms, failed = await ask(server.sockets[0].getsockname()[1], "/", 1_000.0, count)
    assert (len(times_ms), failed) == (count - 1, 1)
