"""Keeping programs alive with supervisord: its settings file, its start, and calls to it over a private unix socket."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thumper.embedded.log_files import tail
from thumper.embedded.program import Program
from thumper.errors import Fatal

# Each retry waits a second longer than the last: this many take some 80 minutes, then the part is left as FATAL.
_RETRIES = 100
_CALL_TIMEOUT_S = 10.0
_SETTINGS = "run/supervisord.conf"
_LOG = "logs/supervisord.log"
_RPC = "supervisor.rpcinterface:make_main_rpcinterface"
_OWN = {
    "logfile": _LOG,
    "logfile_maxbytes": "20MB",
    "logfile_backups": "1",
    "pidfile": "run/supervisord.pid",
    "childlogdir": "logs",
    "umask": "077",
    "nocleanup": "true",
}
_DEAD = ("STOPPED", "EXITED", "FATAL", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What the supervisor knows of one program. `pid` is 0 where nothing runs."""

    name: str
    state: str
    pid: int
    uptime_s: int
    trouble: str

    @property
    def is_dead(self) -> bool:
        """Whether nothing runs and nothing is about to."""
        return self.state in _DEAD


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket, with a time limit: a frozen supervisor must not hang the caller."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_CALL_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _SocketConnection(self._path)
        # The base class closes what it remembers here, and nothing else.
        self._connection = host, connection
        return connection


class SupervisorGone(Exception):
    """Nobody answers at the socket."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisord of the data folder `home`, who listens at `socket_path`.

    It runs in that folder and knows its files by relative names: supervisord fills in its percent signs twice in some
    settings and once in others, so that no way of escaping fits all.
    """

    home: Path
    socket_path: Path

    @property
    def settings_path(self) -> Path:
        """Its settings file."""
        return self.home / _SETTINGS

    @property
    def log_path(self) -> Path:
        """Its own log: starts and ends of programs."""
        return self.home / _LOG

    def call(self, method: str, *arguments: object) -> Any:
        """One remote call. Raises SupervisorGone, or xmlrpc.client.Fault for what it refuses."""
        transport = _SocketTransport(str(self.socket_path))
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
                return getattr(proxy, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorGone(str(error)) from error

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            self.call("supervisor.getState")
        except SupervisorGone:
            return False
        return True

    def programs(self) -> dict[str, ProgramState]:
        """Every program by name. Raises SupervisorGone."""
        return {info["name"]: _program_state(info) for info in self.call("supervisor.getAllProcessInfo")}

    def start(self, marks: Mapping[str, str]) -> None:
        """Start it in the background with the settings written before. Raises Fatal."""
        self.socket_path.unlink(missing_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")} | dict(marks)
        command = (sys.executable, "-m", "supervisor.supervisord", "-c", _SETTINGS)
        # A file, not a pipe: what goes on in the background would keep a pipe open.
        with (self.home / "logs" / "supervisord.start.log").open("w+", encoding="utf-8") as output:
            done = subprocess.run(
                command,
                cwd=self.home,
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
            output.seek(0)
            lines = output.read().strip().splitlines()[-5:]
        if done.returncode != 0:
            raise Fatal("the supervisor does not start: " + " | ".join(lines))

    def apply(self) -> None:
        """Take over changed settings: new programs appear, removed ones end, changed ones are ended and replaced."""
        ((added, changed, removed),) = self.call("supervisor.reloadConfig")
        for group in (*removed, *changed):
            self.call("supervisor.stopProcessGroup", group)
            self.call("supervisor.removeProcessGroup", group)
        for group in (*added, *changed):
            self.call("supervisor.addProcessGroup", group)

    def ask_start(self, name: str) -> None:
        """Start a program unless it runs; does not wait."""
        try:
            self.call("supervisor.startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise Fatal(f"{name} cannot be started: {fault.faultString}") from None

    def ask_stop(self, name: str) -> None:
        """Stop a program; does not wait."""
        try:
            self.call("supervisor.stopProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise Fatal(f"{name} cannot be stopped: {fault.faultString}") from None

    def restarts(self) -> dict[str, int]:
        """How often each program was started again since the supervisor began, from its log."""
        counts: dict[str, int] = {}
        try:
            text = self.log_path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return counts
        for line in text.rpartition("supervisord started with pid")[2].splitlines():
            name = _between(line, "spawned: '", "' with pid")
            if name:
                counts[name] = counts.get(name, -1) + 1
        return counts

    def log_of(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.home / _log_name(name)

    def tail(self, name: str, lines: int) -> list[str]:
        """The last lines of a program's log; none where it has not said anything."""
        return tail(self.log_of(name), lines)

    def write_settings(self, programs: Sequence[Program]) -> None:
        """Write the settings file, readable by its owner only."""
        inside = self.socket_path.is_relative_to(self.home)
        text = settings_text(self.socket_path.relative_to(self.home) if inside else self.socket_path, programs)
        aside = self.settings_path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(self.settings_path)


def settings_text(socket_path: Path, programs: Sequence[Program]) -> str:
    """The settings file as text, for a supervisor that is started in the data folder. Pure but for who is asking."""
    own = _OWN | ({"user": "root"} if os.geteuid() == 0 else {})
    sections = [
        _section("unix_http_server", {"file": str(socket_path), "chmod": "0700"}),
        _section("supervisord", own),
        _section("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": _RPC}),
    ]
    sections += [_section(f"program:{program.name}", _program_settings(program)) for program in programs]
    return "\n".join(sections)


def _program_settings(program: Program) -> dict[str, str]:
    settings = {
        "command": shlex.join(program.command),
        "directory": str(program.directory),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(_RETRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_wait_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _log_name(program.name),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "3",
        "environment": ",".join(f'{name}="{value}"' for name, value in program.marks.items()),
    }
    return settings | ({"user": program.user} if program.user else {})


def _log_name(name: str) -> str:
    return f"logs/{name}.log"


def _section(title: str, values: Mapping[str, str]) -> str:
    # A percent sign is supervisord's own mark for values to fill in.
    lines = [f"{name}={value.replace('%', '%%')}" for name, value in values.items() if value]
    return "\n".join((f"[{title}]", *lines)) + "\n"


def _between(text: str, before: str, after: str) -> str:
    return text.partition(before)[2].partition(after)[0]


def _program_state(info: dict[str, Any]) -> ProgramState:
    uptime_s = max(0, info["now"] - info["start"]) if info["pid"] else 0
    return ProgramState(info["name"], info["statename"], info["pid"], uptime_s, info["spawnerr"])
