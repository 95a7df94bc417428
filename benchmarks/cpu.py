"""Who uses the processor: seconds of processes and all that they started, and what others take meanwhile."""

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

import psutil

from thumper.clock import SystemClock

BENCHMARK, OTHERS = "benchmark", "others"
ALL = "all"
_IDLE = ("idle", "iowait", "guest", "guest_nice")  # guests are in user time already
# A machine of which others use less than this, in percent, counts as quiet.
QUIET = 10.0
# Before each side, quiet is waited for at most so long.
PATIENCE_S = 30.0
LOOK_S = 1.0


def used_s(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of processor time so far: of each tree of processes, of this process alone, and of everybody."""
    own = os.times()
    return {name: _of_tree(pid) for name, pid in pids.items()} | {BENCHMARK: own.user + own.system, ALL: busy_s()}


def shares(before: Mapping[str, float], after: Mapping[str, float], whole_s: float) -> dict[str, float]:
    """Shares, in percent, of `whole_s` (seconds of all processors together) between two looks.

    `others`: what used the processors and belongs to none of the rest.
    """
    used = {name: 100 * (after[name] - before[name]) / whole_s for name in before}
    busy = used.pop(ALL)
    return {name: round(share, 1) for name, share in {**used, OTHERS: max(0.0, busy - sum(used.values()))}.items()}


class Watch:
    """Knows what others use: neither this process and all that it started, nor the servers."""

    def __init__(self, servers: Collection[int]) -> None:
        self._servers = servers
        self._clock = SystemClock()

    def measured(self, side: Callable[[], float]) -> tuple[float, float]:
        """Wait for quiet, run the side: its rate, and the share of all processors that others used meanwhile (%)."""
        until_s = self._clock.now_s() + PATIENCE_S
        while self._clock.now_s() < until_s and self._others(lambda: self._clock.sleep(LOOK_S)) > QUIET:
            pass
        rates: list[float] = []
        others = self._others(lambda: rates.append(side()))
        return rates[0], others

    def _others(self, during: Callable[[], None]) -> float:
        all_s, ours_s, start_s = busy_s(), self._ours_s(), self._clock.now_s()
        during()
        whole_s = (self._clock.now_s() - start_s) * (os.cpu_count() or 1)
        return max(0.0, 100 * (busy_s() - all_s - self._ours_s() + ours_s) / whole_s)

    def _ours_s(self) -> float:
        return sum(_of_tree(pid) for pid in (os.getpid(), *self._servers))


def busy_s() -> float:
    """Seconds of processor time that everybody together has used since the machine's start."""
    return float(sum(seconds for name, seconds in psutil.cpu_times()._asdict().items() if name not in _IDLE))


def _of_tree(pid: int) -> float:
    """What its ended children used counts as its own."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total_s = 0.0
    for one in family:
        with suppress(psutil.Error):
            times = one.cpu_times()
            total_s += times.user + times.system
            total_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total_s
