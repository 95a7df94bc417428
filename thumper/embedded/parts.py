"""The parts of a running stack with their figures, as `thumper ps` shows them."""

from dataclasses import dataclass
from pathlib import Path

import psutil

from thumper.embedded.ready import Readiness
from thumper.embedded.supervision import Supervisor


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `memory_bytes` is the resident set, children included (pages that they share count each time).

    waits_for: what keeps it from going on, in its own words.
    """

    name: str
    state: str
    ready: bool
    pid: int
    uptime_s: int
    restarts: int
    memory_bytes: int
    waits_for: str = ""


def list_parts(supervisor: Supervisor, readiness: Readiness) -> list[Part]:
    """Every part now. Raises SupervisorGone."""
    restarts = supervisor.restarts()
    return [
        Part(
            name=name,
            state=program.state,
            ready=readiness.is_ready(program),
            pid=program.pid,
            uptime_s=program.uptime_s,
            restarts=max(0, restarts.get(name, 0)),
            memory_bytes=resident_bytes(program.pid),
            waits_for=waits_for(readiness.data_dir, name) if program.pid else "",
        )
        for name, program in supervisor.programs().items()
    ]


def waits_for(data_dir: Path, name: str) -> str:
    """What the part of this name says that it waits for (thumper.heartbeat.WaitMark)."""
    try:
        return (data_dir / "run" / f"{name}.waits").read_text("utf-8", "replace")
    except OSError:
        return ""


def resident_bytes(pid: int) -> int:
    """Memory of a process and its children; 0 where there is none."""
    try:
        process = psutil.Process(pid) if pid else None
        family = [] if process is None else [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    return sum(_own_bytes(member) for member in family)


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
