"""The embedded stack: Kafka, PostgreSQL and the programs of this system on one machine, kept alive by a supervisor."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from thumper.clock import Clock, SystemClock
from thumper.embedded import apps as app_parts
from thumper.embedded import folder, leftovers, postgres
from thumper.embedded.order import Order
from thumper.embedded.parts import Part, list_parts
from thumper.embedded.program import Program
from thumper.embedded.ready import Readiness, mark_path
from thumper.embedded.servers import (
    ANY_PORTS,
    Say,
    Servers,
    UsualPorts,
    mark_of,
    postgres_home,
    with_places,
    with_ports,
)
from thumper.embedded.state import StackState, load_state, save_state
from thumper.embedded.supervision import ProgramState, Supervisor, SupervisorGone
from thumper.errors import Fatal, UserError
from thumper.settings import Settings

__all__ = ["ANY_PORTS", "EmbeddedStack", "UsualPorts", "connect"]

Hook = Callable[[Settings], None]
AppPrograms = Callable[[Settings, Path], list[Program]]


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
        # Tests give up PostgreSQL's safety against power cuts for speed.
        self._durable = durable
        self._app_list = app_programs

    # Starting

    def start(
        self, settings: Settings, *, apps: bool = True, before_apps: Hook | None = None, timeout_s: float = 120.0
    ) -> Settings:
        """Bring everything up that is not up, and wait until each part is ready; returns settings that reach it.

        Only the servers that `settings` leave out are started. `before_apps` is called with the returned settings when
        the servers are ready. Raises UserError for what the user can mend, Fatal with the log's last lines for a part
        that does not get ready within `timeout_s` seconds; an interrupted first start is taken down again.
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
        state = self._settle(settings, state)
        connected = connected_settings(app_parts.with_embedded_defaults(settings), state)
        servers = Servers(self.data_dir, self._say, self._clock, self._durable).prepare(settings, state)
        programs = self._app_programs(connected) if apps else []
        self._supervise(self._supervisor(state), [*servers, *programs])
        order = self._order(state, settings.api_host)
        try:
            order.bring_up([program.name for program in servers], timeout_s)
        except Fatal:
            # The next try may need another port: nothing half-started keeps the ones of this try.
            self._stop()
            raise
        if settings.database_url is None:
            postgres.ensure_database(state)
        if before_apps is not None:
            before_apps(connected)
        order.bring_up([program.name for program in programs], timeout_s)
        return connected

    def _settle(self, settings: Settings, state: StackState) -> StackState:
        """Choose and remember ports and places, unless a stack runs with those that it has."""
        if self._supervisor(state).is_running():
            return state
        self._end_leftovers(state)
        state = with_places(self.data_dir, with_ports(state, settings, self._ports, self._say), self._say)
        save_state(self.data_dir, state)
        return state

    def _app_programs(self, connected: Settings) -> list[Program]:
        path = self.data_dir / "run" / "environment.json"
        app_parts.write_environment(path, app_parts.environment(connected))
        return self._app_list(connected, path)

    def _supervise(self, supervisor: Supervisor, programs: Sequence[Program]) -> None:
        mark = {leftovers.MARK: mark_of(self.data_dir)}
        supervisor.write_settings([replace(program, marks={**program.marks, **mark}) for program in programs])
        if supervisor.is_running():
            supervisor.apply()
            return
        for program in programs:
            mark_path(self.data_dir, program.name).unlink(missing_ok=True)
        supervisor.start(mark)

    @contextmanager
    def held(self, is_meant: Callable[[str], bool], timeout_s: float = 120.0) -> Iterator[None]:
        """Stop those programs that run and are meant, and start them again at the end, whatever happens inside.

        Raises UserError where nothing runs; Fatal if one does not get ready again.
        """
        running = [name for name, program in self.programs().items() if program.pid and is_meant(name)]
        order = self._order(self.state())
        with folder.only_one(self.data_dir):
            order.stop(running)
        try:
            yield
        finally:
            with folder.only_one(self.data_dir):
                order.bring_up(running, timeout_s)

    def restart(self, names: Sequence[str], api_host: str, timeout_s: float = 120.0) -> None:
        """Stop and start these parts, or all, as they were started before; each end and each start is waited for.

        Raises UserError where nothing runs, or for a part that there is not; Fatal if one does not get ready again.
        """
        known = self.programs()
        if unknown := [name for name in names if name not in known]:
            raise UserError(f"no part is called {unknown[0]!r}", f"there are {', '.join(known)}")
        with folder.only_one(self.data_dir):
            self._order(self.state(), api_host).restart(names or list(known), timeout_s)

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
        try:
            self._order(state).take_down()
            was_running = True
        except SupervisorGone:
            was_running = False
        ended = self._end_leftovers(state)
        for stale in (self.data_dir / "run").glob("*"):
            # A worker that somebody runs by hand beside the stack holds its name by a lock file there.
            if stale.suffix != ".lock":
                stale.unlink(missing_ok=True)
        return was_running or ended > 0

    def _end_leftovers(self, state: StackState) -> int:
        found = leftovers.leftovers(mark_of(self.data_dir), postgres_home(self.data_dir, state))
        if found:
            self._say(f"Ending {len(found)} processes that an earlier run left behind")
        return leftovers.end(found, self._clock)

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
        state = self.state()
        try:
            return list_parts(self._supervisor(state), Readiness(self.data_dir, state, api_host))
        except SupervisorGone:
            raise _nothing_runs(self.data_dir) from None

    def _order(self, state: StackState, api_host: str = "127.0.0.1") -> Order:
        return Order(self._supervisor(state), Readiness(self.data_dir, state, api_host), self._clock, self._say)

    def _supervisor(self, state: StackState) -> Supervisor:
        socket = Path(state.socket) if state.socket else self.data_dir / "run" / "supervisor.sock"
        return Supervisor(self.data_dir, socket)


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
    needed = {"kafka": settings.kafka_bootstrap is None, "postgres": settings.database_url is None}
    if any(wanted and (name not in programs or programs[name].pid == 0) for name, wanted in needed.items()):
        raise _nothing_runs(stack.data_dir)
    return connected_settings(app_parts.with_embedded_defaults(settings), stack.state())


def _nothing_runs(data_dir: Path) -> UserError:
    return UserError(f"nothing runs in {data_dir}", "start it with `thumper up`")
