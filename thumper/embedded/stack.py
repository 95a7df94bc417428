"""The embedded stack: Kafka, PostgreSQL and the programs of this system on one machine, kept alive by a supervisor."""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from pydantic import SecretStr

from thumper.clock import Clock, SystemClock
from thumper.embedded import apps as app_parts
from thumper.embedded import folder, leftovers, postgres, system_user
from thumper.embedded.jars import class_path
from thumper.embedded.kafka import EmbeddedKafka
from thumper.embedded.ports import choose
from thumper.embedded.postgres import EmbeddedPostgres
from thumper.embedded.program import Program
from thumper.embedded.ready import Readiness, mark_path
from thumper.embedded.state import StackState, load_state, save_state
from thumper.embedded.supervision import ProgramState, Supervisor, SupervisorGone
from thumper.embedded.waiting import wait_until
from thumper.errors import Fatal, UserError
from thumper.settings import Settings

Say = Callable[[str], None]
Hook = Callable[[Settings], None]
AppPrograms = Callable[[Settings, Path], list[Program]]
# A part that ended this often while it was waited for will not get ready by itself.
_HOPELESS_RESTARTS = 3
_LOG_LINES = 15


@dataclass(frozen=True, slots=True)
class UsualPorts:
    """Where the parts listen if these ports are free; 0 means any free one."""

    kafka: int = 9092
    controller: int = 9093
    postgres: int = 5432


ANY_PORTS = UsualPorts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a running stack, as `thumper ps` shows it. `memory_bytes` is the resident set, children included."""

    name: str
    state: str
    ready: bool
    pid: int
    uptime_s: int
    restarts: int
    memory_bytes: int


def _quiet(_line: str) -> None:
    return


class EmbeddedStack:
    """The stack in one data folder. Every call works from what is found there; nothing is held between calls."""

    def __init__(
        self,
        data_dir: Path,
        *,
        say: Say = _quiet,
        clock: Clock | None = None,
        ports: UsualPorts | None = None,
        durable: bool = True,
        app_programs: AppPrograms = app_parts.app_programs,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._say = say
        self._clock = clock or SystemClock()
        self._ports = ports or UsualPorts()
        # Tests give up power-cut safety for speed.
        self._durable = durable
        self._app_list = app_programs

    # Starting

    def start(
        self, settings: Settings, *, apps: bool = True, before_apps: Hook | None = None, timeout_s: float = 120.0
    ) -> Settings:
        """Bring everything up that is not up, and wait until each part is ready; returns settings that reach it.

        Only the servers that `settings` leave out are started. `before_apps` is called with the returned settings when
        the servers are ready. Raises UserError for what the user can mend, Fatal with the log's last lines for a part
        that does not get ready; an interrupted first start is taken down again.
        """
        folder.prepare(self.data_dir)
        with folder.only_one(self.data_dir):
            state = self._new_state() if (known := load_state(self.data_dir)) is None else known
            was_running = self._supervisor(state).is_running()
            try:
                return self._start(settings, state, apps, before_apps, timeout_s)
            except KeyboardInterrupt:
                if not was_running:
                    self._say("Interrupted: stopping what was started")
                    self._stop()
                raise

    def _new_state(self) -> StackState:
        if (self.data_dir / "postgres").exists() or (self.data_dir / "kafka" / "data").exists():
            raise UserError(
                f"{self.data_dir} holds databases, but stack.json with their passwords is missing",
                f"restore it from a backup, or move {self.data_dir} away to begin anew",
            )
        state = StackState.new()
        save_state(self.data_dir, state)
        return state

    def _start(
        self, settings: Settings, state: StackState, apps: bool, before_apps: Hook | None, timeout_s: float
    ) -> Settings:
        if not self._supervisor(state).is_running():
            self._end_leftovers(state)
            state = self._place(self._with_ports(state, settings))
        save_state(self.data_dir, state)
        connected = connected_settings(app_parts.with_embedded_defaults(settings), state)
        servers = self._prepare_servers(settings, state)
        programs = self._app_programs(connected) if apps else []
        supervisor = self._supervisor(state)
        self._supervise(supervisor, [*servers, *programs])
        readiness = Readiness(self.data_dir, state, settings.api_host)
        try:
            self._bring_up([program.name for program in servers], supervisor, readiness, timeout_s)
        except Fatal:
            self._stop()
            raise
        if settings.database_url is None:
            postgres.ensure_database(state)
        if before_apps is not None:
            before_apps(connected)
        self._bring_up([program.name for program in programs], supervisor, readiness, timeout_s)
        return connected

    def _with_ports(self, state: StackState, settings: Settings) -> StackState:
        usual = self._ports
        api_port = settings.api_port if "api_port" in settings.model_fields_set else 0
        wanted = {
            "kafka_port": ("Kafka", "127.0.0.1", state.kafka_port or usual.kafka),
            "controller_port": ("Kafka's controller", "127.0.0.1", state.controller_port or usual.controller),
            "postgres_port": ("PostgreSQL", "127.0.0.1", state.postgres_port or usual.postgres),
            "api_port": ("The API", settings.api_host, api_port or state.api_port or settings.api_port),
        }
        chosen: dict[str, int] = {}
        for name, (part, host, port) in wanted.items():
            chosen[name] = choose(port, tuple(chosen.values()), host)
            if port and chosen[name] != port:
                self._say(f"Port {port} is taken: {part} uses {chosen[name]}")
        return state.model_copy(update=chosen)

    def _place(self, state: StackState) -> StackState:
        """Where PostgreSQL's folder goes: here, or elsewhere when its user cannot come here; and the socket."""
        socket = None if state.socket is None else Path(state.socket)
        if socket is None or not socket.parent.is_dir():
            socket = folder.socket_path(self.data_dir)
        state = state.model_copy(update={"socket": str(socket)})
        if not system_user.is_root():
            return state
        account = system_user.ensure_account()
        system_user.let_pass(self.data_dir, account)
        outside = None if state.postgres_dir is None else Path(state.postgres_dir).parent
        system_user.sweep_outside(used=outside)
        if (self.data_dir / "postgres").exists() or (outside is not None and outside.is_dir()):
            return state
        bin_dir = system_user.reachable_binaries(postgres.bundled_binaries(), account)
        if system_user.reaches(account, bin_dir / "postgres", self.data_dir):
            return state.model_copy(update={"postgres_dir": None})
        outside = system_user.new_outside_folder(account, self.data_dir)
        self._say(f"PostgreSQL does not run as root: its user {account.name} keeps its files in {outside}")
        return state.model_copy(update={"postgres_dir": str(outside / "postgres")})

    def _postgres(self, state: StackState) -> EmbeddedPostgres:
        home = self._postgres_home(state)
        bin_dir = postgres.bundled_binaries()
        if not system_user.is_root():
            return EmbeddedPostgres(home, bin_dir, None, self._durable)
        account = system_user.ensure_account()
        bin_dir = system_user.reachable_binaries(bin_dir, account)
        if not system_user.reaches(account, bin_dir / "postgres", home.parent):
            raise UserError(
                f"PostgreSQL's user {account.name} cannot come to {home} any more",
                "give others the right to walk through the folders above it (chmod o+x)",
            )
        return EmbeddedPostgres(home, bin_dir, account, self._durable)

    def _postgres_home(self, state: StackState) -> Path:
        return self.data_dir / "postgres" if state.postgres_dir is None else Path(state.postgres_dir)

    def _prepare_servers(self, settings: Settings, state: StackState) -> list[Program]:
        """Both at once: making each folder takes a second or two the first time."""
        jobs: list[Callable[[], Program]] = []
        if settings.kafka_bootstrap is None:
            jobs.append(lambda: self._prepare_kafka(state))
        if settings.database_url is None:
            jobs.append(lambda: self._prepare_postgres(state))
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(job) for job in jobs]]

    def _prepare_kafka(self, state: StackState) -> Program:
        jars = class_path(self.data_dir / "jars", self._say)
        embedded = EmbeddedKafka(self.data_dir / "kafka", jars, self._mark)
        embedded.configure(state)
        embedded.format(state)
        return embedded.program()

    def _prepare_postgres(self, state: StackState) -> Program:
        embedded = self._postgres(state)
        embedded.initialise(state)
        embedded.clear_stale_pid()
        return embedded.program(state)

    def _app_programs(self, connected: Settings) -> list[Program]:
        path = self.data_dir / "run" / "environment.json"
        app_parts.write_environment(path, app_parts.environment(connected))
        return self._app_list(connected, path)

    def _supervise(self, supervisor: Supervisor, programs: Sequence[Program]) -> None:
        marked = [replace(program, marks={**program.marks, leftovers.MARK: self._mark}) for program in programs]
        supervisor.write_settings(marked)
        if supervisor.is_running():
            supervisor.apply()
        else:
            for name in (program.name for program in programs):
                mark_path(self.data_dir, name).unlink(missing_ok=True)
            supervisor.start({leftovers.MARK: self._mark})

    def _bring_up(self, names: Sequence[str], supervisor: Supervisor, readiness: Readiness, timeout_s: float) -> None:
        """Start these and wait until each is ready. Raises Fatal."""
        deadline_s = self._clock.now_s() + timeout_s
        before = supervisor.restarts()
        for name in names:
            if supervisor.programs()[name].is_dead:
                mark_path(self.data_dir, name).unlink(missing_ok=True)
                supervisor.ask_start(name)
        for name in names:
            start_s = self._clock.now_s()
            if not readiness.is_ready(supervisor.programs()[name]):
                self._say(f"Waiting for {name}")

            def settled(name: str = name) -> bool:
                program = supervisor.programs()[name]
                restarts = supervisor.restarts().get(name, 0) - before.get(name, -1) - 1
                return readiness.is_ready(program) or program.state == "FATAL" or restarts >= _HOPELESS_RESTARTS

            wait_until(settled, self._clock, deadline_s - start_s)
            if not readiness.is_ready(supervisor.programs()[name]):
                raise self._not_ready(name, supervisor, timeout_s)

    def _not_ready(self, name: str, supervisor: Supervisor, timeout_s: float) -> Fatal:
        program = supervisor.programs()[name]
        lines = "\n".join(f"  {line}" for line in supervisor.tail(name, _LOG_LINES)) or "  (nothing)"
        said = f"{program.state}{', ' + program.trouble if program.trouble else ''}"
        return Fatal(
            f"{name} did not get ready within {timeout_s:.0f} s ({said});"
            f" the last lines of {supervisor.log_of(name)}:\n{lines}",
            "`thumper logs` shows more; when it is mended, `thumper up` goes on",
        )

    def wait(self) -> None:
        """Block until the stack is stopped by somebody else."""
        supervisor = self._supervisor(self.state())
        while supervisor.is_running():
            self._clock.sleep(1.0)

    # Stopping

    def stop(self) -> bool:
        """Take everything down in order, and end what a crashed stack left; False when nothing was running."""
        if not self.data_dir.is_dir():
            return False
        with folder.only_one(self.data_dir):
            return self._stop()

    def _stop(self) -> bool:
        state = load_state(self.data_dir)
        if state is None:
            return False
        supervisor = self._supervisor(state)
        try:
            self._stop_supervised(supervisor)
            was_running = True
        except SupervisorGone:
            was_running = False
        ended = self._end_leftovers(state)
        for stale in (self.data_dir / "run").glob("*"):
            if stale.suffix in (".ready", ".sock", ".pid", ".conf") or stale.name == "environment.json":
                stale.unlink(missing_ok=True)
        return was_running or ended > 0

    def _stop_supervised(self, supervisor: Supervisor) -> None:
        programs = supervisor.programs()
        apps = [name for name in programs if name not in ("kafka", "postgres")]
        for group in (apps, ["postgres"], ["kafka"]):
            self._stop_group([name for name in group if name in programs], supervisor)
        pid = int(supervisor.call("supervisor.getPID"))
        supervisor.call("supervisor.shutdown")
        wait_until(lambda: not psutil.pid_exists(pid), self._clock, 30.0)

    def _stop_group(self, names: Sequence[str], supervisor: Supervisor) -> None:
        for name in names:
            self._say(f"Stopping {name}")
            supervisor.ask_stop(name)
        # The supervisor itself kills what does not end within the time that its program is given (60 s at most).
        wait_until(lambda: all(supervisor.programs()[name].is_dead for name in names), self._clock, 90.0)

    def _end_leftovers(self, state: StackState) -> int:
        found = leftovers.leftovers(self._mark, self._postgres_home(state))
        if found:
            self._say(f"Ending {len(found)} processes that an earlier run left behind")
        return leftovers.end(found)

    def remove(self) -> None:
        """Stop it and delete everything that it has, the data included."""
        self.stop()
        state = load_state(self.data_dir) if self.data_dir.is_dir() else None
        if state is not None and state.postgres_dir is not None:
            shutil.rmtree(Path(state.postgres_dir).parent, ignore_errors=True)
        if state is not None and state.socket is not None and Path(state.socket).parent != self.data_dir / "run":
            shutil.rmtree(Path(state.socket).parent, ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    # Looking

    def state(self) -> StackState:
        """What is remembered. Raises UserError where no stack has run."""
        state = load_state(self.data_dir)
        if state is None:
            raise _nothing_runs(self.data_dir)
        return state

    def programs(self) -> dict[str, ProgramState]:
        """What the supervisor knows, by name. Raises UserError when nothing runs."""
        try:
            return self._supervisor(self.state()).programs()
        except SupervisorGone:
            raise _nothing_runs(self.data_dir) from None

    def parts(self, api_host: str = "127.0.0.1") -> list[Part]:
        """Every part with its figures. Raises UserError when nothing runs."""
        programs = self.programs()
        readiness = Readiness(self.data_dir, self.state(), api_host)
        restarts = self._supervisor(self.state()).restarts()
        return [
            Part(
                name=name,
                state=program.state,
                ready=readiness.is_ready(program),
                pid=program.pid,
                uptime_s=program.uptime_s,
                restarts=max(0, restarts.get(name, 0)),
                memory_bytes=_resident_bytes(program.pid),
            )
            for name, program in programs.items()
        ]

    def log_path(self, name: str) -> Path:
        """Where the output of a part goes."""
        return self.data_dir / "logs" / f"{name}.log"

    @property
    def _mark(self) -> str:
        """Marks this folder's processes; a hash, because it must be a plain word."""
        return hashlib.sha256(os.fsencode(self.data_dir.resolve())).hexdigest()[:16]

    def _supervisor(self, state: StackState) -> Supervisor:
        run = self.data_dir / "run"
        socket = Path(state.socket) if state.socket else run / "supervisor.sock"
        return Supervisor(run / "supervisord.conf", socket, self.data_dir / "logs")


def connected_settings(settings: Settings, state: StackState) -> Settings:
    """The settings with what they leave out filled in from the stack."""
    update: dict[str, object] = {"data_dir": settings.data_dir.absolute(), "api_port": state.api_port}
    if settings.kafka_bootstrap is None:
        update["kafka_bootstrap"] = state.kafka_bootstrap
    if settings.database_url is None:
        update["database_url"] = SecretStr(state.database_url)
    return settings.model_copy(update=update)


def connect(settings: Settings) -> Settings:
    """Settings that reach the running stack; unchanged where they name a cluster and a database already.

    Raises UserError when the embedded servers that they mean are not running.
    """
    if not settings.embedded:
        return settings
    stack = EmbeddedStack(settings.data_dir)
    programs = stack.programs()
    needed = [
        name
        for name, given in (("kafka", settings.kafka_bootstrap), ("postgres", settings.database_url))
        if given is None
    ]
    if any(name not in programs or programs[name].pid == 0 for name in needed):
        raise _nothing_runs(stack.data_dir)
    return connected_settings(app_parts.with_embedded_defaults(settings), stack.state())


def _nothing_runs(data_dir: Path) -> UserError:
    return UserError(f"nothing runs in {data_dir}", "start it with `thumper up`")


def _resident_bytes(pid: int) -> int:
    if pid == 0:
        return 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total
