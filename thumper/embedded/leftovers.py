"""What a crashed stack left running: found by its mark, ended."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil

from thumper.clock import Clock
from thumper.embedded.waiting import wait_until

MARK = "THUMPER_STACK"


def leftovers(mark: str, postgres_home: Path | None) -> list[psutil.Process]:
    """Processes that carry this stack's mark in their environment, and the PostgreSQL server of its folder.

    A pid alone proves nothing (numbers are given again); an environment and a command line do.
    """
    found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _carries(process, mark)]
    postmaster = None if postgres_home is None else _postmaster(postgres_home)
    if postmaster is not None and postmaster not in found:
        found.append(postmaster)
    return found


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except psutil.Error:
        return False


def _postmaster(home: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int((home / "postmaster.pid").read_text("ascii").split("\n", 1)[0]))
        return process if str(home) in process.cmdline() else None
    except (OSError, ValueError, psutil.Error):
        return None


def end(processes: Sequence[psutil.Process], clock: Clock, patience_s: float = 20.0) -> int:
    """Ask each to end, insist after `patience_s` seconds; returns how many there were, children included."""
    family = _with_children(processes)
    for process in family:
        _ask(process)
    wait_until(lambda: not any(is_alive(process) for process in family), clock, patience_s)
    for process in family:
        if is_alive(process):
            process.kill()
    wait_until(lambda: not any(is_alive(process) for process in family), clock, patience_s)
    return len(family)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does something: what has ended and was not fetched by its parent does not count."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def _with_children(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    family = list(processes)
    for process in processes:
        try:
            family += [child for child in process.children(recursive=True) if child not in family]
        except psutil.Error:
            continue
    return family


def _ask(process: psutil.Process) -> None:
    try:
        # PostgreSQL's fast shutdown; SIGTERM would wait for its clients to leave.
        process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
        # A frozen process hears it only when it goes on.
        process.resume()
    except psutil.Error:
        return
