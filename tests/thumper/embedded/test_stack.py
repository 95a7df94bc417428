"""The supervised programs, with a real supervisor and small real programs; the servers are said to be elsewhere."""

import json
import os
import signal
import sys
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from thumper.clock import SystemClock
from thumper.embedded import leftovers
from thumper.embedded.program import Program
from thumper.embedded.ready import mark_path
from thumper.embedded.servers import ANY_PORTS, mark_of
from thumper.embedded.stack import EmbeddedStack, connect
from thumper.embedded.waiting import wait_until
from thumper.errors import Fatal, UserError
from thumper.settings import Settings

READY = """
import os, signal, sys
mark, name = sys.argv[1], sys.argv[2]
print(name, "says hello", flush=True)
open(mark, "w").write(str(os.getpid()))
signal.pause()
"""
FAILING = "import sys; print('no such luck'); sys.exit(3)"
SILENT = "import signal; print('still thinking', flush=True); signal.pause()"
Programs = Callable[[Settings, Path], list[Program]]


def _programs(data_dir: Path, codes: dict[str, str]) -> Programs:
    def build(_settings: Settings, _environment: Path) -> list[Program]:
        return [_program(data_dir, name, code) for name, code in codes.items()]

    return build


def _program(data_dir: Path, name: str, code: str) -> Program:
    script = data_dir / f"{name}.py"
    script.write_text(code)
    command = (sys.executable, str(script), str(mark_path(data_dir, name)), name)
    return Program(name, command, directory=Path("/"), marks={"CODE": str(len(code))}, stop_wait_s=5)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "a folder, 100%", kafka_bootstrap="b:1", database_url=SecretStr("postgresql://u:p@h/d")
    )


@pytest.fixture
def make(elsewhere: Settings) -> Iterator[Callable[..., EmbeddedStack]]:
    said: list[str] = []

    def build(**codes: str) -> EmbeddedStack:
        programs = _programs(elsewhere.data_dir, codes)
        return EmbeddedStack(elsewhere.data_dir, say=said.append, ports=ANY_PORTS, app_programs=programs)

    yield build
    build().remove()
    assert leftovers.leftovers(mark_of(elsewhere.data_dir.absolute()), None) == []


def test_programs_are_started_watched_and_stopped(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY, api2=READY)
    stack.start(elsewhere)
    parts = {part.name: part for part in stack.parts()}
    assert {(part.name, part.ready, part.restarts) for part in parts.values()} == {("sink", True, 0), ("api2", True, 0)}
    assert parts["sink"].memory_bytes > 1 << 20
    processes = [psutil.Process(part.pid) for part in parts.values()]
    assert stack.stop()
    assert not any(leftovers.is_alive(process) for process in processes)
    assert not stack.stop()
    with pytest.raises(UserError, match="nothing runs in"):
        stack.parts()


def test_what_dies_is_started_again_and_counted(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    first = stack.parts()[0].pid
    os.kill(first, signal.SIGKILL)

    def is_back() -> bool:
        part = stack.parts()[0]
        return part.ready and part.pid != first

    assert wait_until(is_back, SystemClock(), 20)
    assert stack.parts()[0].restarts == 1


def test_a_part_that_fails_is_named_with_its_last_words(
    make: Callable[..., EmbeddedStack], elsewhere: Settings
) -> None:
    stack = make(sink=READY, api2=FAILING)
    with pytest.raises(Fatal, match="api2 does not get ready") as caught:
        stack.start(elsewhere)
    assert "no such luck" in caught.value.message
    assert "thumper logs api2" in caught.value.hint
    # What works goes on, and the next try with a mended program succeeds.
    assert {part.name: part.ready for part in stack.parts()} == {"sink": True, "api2": False}
    make(sink=READY, api2=READY).start(elsewhere)
    assert all(part.ready for part in stack.parts())


def test_a_part_that_says_nothing_is_named_after_the_time_out(
    make: Callable[..., EmbeddedStack], elsewhere: Settings
) -> None:
    with pytest.raises(Fatal, match="still thinking"):
        make(sink=SILENT).start(elsewhere, timeout_s=2)


def test_a_second_start_keeps_what_runs_and_takes_over_changes(
    make: Callable[..., EmbeddedStack], elsewhere: Settings
) -> None:
    one = make(sink=READY, old=READY, api2=READY)
    one.start(elsewhere)
    before = {part.name: part.pid for part in one.parts()}
    old = psutil.Process(before["old"])
    make(sink=READY, new=READY, api2=READY + "\n").start(elsewhere)
    after = {part.name: part.pid for part in one.parts()}
    assert set(after) == {"sink", "new", "api2"}
    assert after["sink"] == before["sink"]
    assert after["api2"] != before["api2"]
    assert not leftovers.is_alive(old)


def test_programs_outlive_their_killed_supervisor_but_not_the_next_start(
    make: Callable[..., EmbeddedStack], elsewhere: Settings
) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    orphan = psutil.Process(stack.parts()[0].pid)
    supervisor = psutil.Process(int((elsewhere.data_dir / "run" / "supervisord.pid").read_text()))
    supervisor.kill()
    assert wait_until(lambda: not leftovers.is_alive(supervisor), SystemClock(), 10)
    assert leftovers.is_alive(orphan)
    with pytest.raises(UserError, match="nothing runs in"):
        stack.parts()
    stack.start(elsewhere)
    assert not leftovers.is_alive(orphan)
    assert [part.ready for part in stack.parts()] == [True]


def test_down_ends_what_a_killed_supervisor_left(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    orphan = psutil.Process(stack.parts()[0].pid)
    psutil.Process(int((elsewhere.data_dir / "run" / "supervisord.pid").read_text())).kill()
    assert stack.stop()
    assert not leftovers.is_alive(orphan)


def test_a_frozen_supervisor_is_ended_too(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    supervisor = psutil.Process(int((elsewhere.data_dir / "run" / "supervisord.pid").read_text()))
    supervisor.suspend()
    assert stack.stop()
    assert not leftovers.is_alive(supervisor)


def test_a_stale_pid_file_and_socket_do_not_matter(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    run = elsewhere.data_dir / "run"
    run.mkdir(parents=True)
    (run / "supervisord.pid").write_text(str(os.getpid()))
    (run / "supervisor.sock").write_text("")
    (run / "sink.ready").write_text(str(os.getpid()))
    stack = make(sink=READY)
    stack.start(elsewhere)
    assert [part.ready for part in stack.parts()] == [True]


def test_the_hook_is_called_before_the_programs_start(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    seen: list[tuple[str | None, bool]] = []
    mark = mark_path(elsewhere.data_dir, "sink")
    make(sink=READY).start(
        elsewhere, before_apps=lambda settings: seen.append((settings.kafka_bootstrap, mark.exists()))
    )
    assert seen == [("b:1", False)]


def test_a_taken_api_port_gives_way(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY)
    first = stack.start(elsewhere).api_port
    stack.stop()
    assert stack.start(elsewhere).api_port == first


def test_nobody_else_reads_the_settings_of_the_supervisor(
    make: Callable[..., EmbeddedStack], elsewhere: Settings
) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    run = elsewhere.data_dir / "run"
    assert (run / "supervisord.conf").stat().st_mode & 0o077 == 0
    assert (run / "environment.json").stat().st_mode & 0o077 == 0
    assert json.loads((run / "environment.json").read_text())["THUMPER_DATABASE_URL"] == "postgresql://u:p@h/d"
    command_lines = [psutil.Process(part.pid).cmdline() for part in stack.parts()]
    assert "postgresql://" not in str(command_lines)


def test_settings_that_name_servers_are_left_as_they_are(elsewhere: Settings) -> None:
    assert connect(elsewhere) is elsewhere


def test_connecting_to_a_stack_that_never_ran_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing runs in") as caught:
        connect(Settings(data_dir=tmp_path))
    assert caught.value.hint == "start it with `thumper up`"


def test_databases_without_their_passwords_are_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(UserError, match=r"stack\.json with their passwords is missing"):
        EmbeddedStack(tmp_path).start(Settings(data_dir=tmp_path))


def test_a_fault_of_the_supervisor_is_told(make: Callable[..., EmbeddedStack], elsewhere: Settings) -> None:
    stack = make(sink=READY)
    stack.start(elsewhere)
    supervisor = stack._supervisor(stack.state())
    with pytest.raises(xmlrpc.client.Fault):
        supervisor.call("supervisor.startProcess", "nobody")
    with pytest.raises(Fatal, match="nobody cannot be started"):
        supervisor.ask_start("nobody")
