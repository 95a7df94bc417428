"""Finding and ending what a crashed stack left."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from thumper.clock import SystemClock
from thumper.embedded.leftovers import MARK, end, is_alive, leftovers

PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "print('in', flush=True); input()"]).wait()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('in', flush=True); signal.pause()"


@pytest.fixture
def mark() -> str:
    return uuid4().hex


@pytest.fixture
def marked(mark: str, request: pytest.FixtureRequest) -> Iterator[psutil.Process]:
    code = getattr(request, "param", PARENT)
    environment = {**os.environ, MARK: mark}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        yield psutil.Process(process.pid)
        process.kill()


def test_marked_processes_are_found_and_ended_with_their_children(mark: str, marked: psutil.Process) -> None:
    found = leftovers(mark, None)
    assert marked in found
    assert len(found) == 2
    # The parent is the test, which has not fetched it: ended all the same.
    assert end(found, SystemClock()) == 2
    assert not any(is_alive(process) for process in found)
    assert leftovers(mark, None) == []


def test_another_folder_s_processes_are_left_alone(marked: psutil.Process) -> None:
    assert leftovers("another", None) == []
    assert is_alive(marked)


def test_a_frozen_process_is_ended(mark: str, marked: psutil.Process) -> None:
    marked.suspend()
    end(leftovers(mark, None), SystemClock())
    assert not is_alive(marked)


@pytest.mark.parametrize("marked", [STUBBORN], indirect=True)
def test_one_that_does_not_listen_is_killed(mark: str, marked: psutil.Process) -> None:
    end(leftovers(mark, None), SystemClock(), patience_s=0.3)
    assert not is_alive(marked)


def test_a_stale_pid_file_of_postgres_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    assert leftovers("nobody", tmp_path) == []
    (tmp_path / "postmaster.pid").write_text("rubbish")
    assert leftovers("nobody", tmp_path) == []
