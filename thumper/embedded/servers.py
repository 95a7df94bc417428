"""Kafka and PostgreSQL of one data folder: their ports, their place, and how the supervisor runs them."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from thumper.clock import Clock
from thumper.embedded import folder, postgres, system_user
from thumper.embedded.jars import class_path
from thumper.embedded.kafka import EmbeddedKafka
from thumper.embedded.ports import choose
from thumper.embedded.postgres import EmbeddedPostgres
from thumper.embedded.program import Program
from thumper.embedded.startup_cache import ensure_startup_cache
from thumper.embedded.state import StackState
from thumper.errors import UserError
from thumper.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class UsualPorts:
    """Where the parts listen if these ports are free; 0 means any free one."""

    kafka: int = 9092
    controller: int = 9093
    postgres: int = 5432


ANY_PORTS = UsualPorts(0, 0, 0)


def mark_of(data_dir: Path) -> str:
    """Marks the processes of a data folder; a hash, because it must be a plain word."""
    return hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]


def postgres_home(data_dir: Path, state: StackState) -> Path:
    """Where PostgreSQL's own folder is."""
    return data_dir / "postgres" if state.postgres_dir is None else Path(state.postgres_dir)


def with_ports(state: StackState, settings: Settings, usual: UsualPorts, say: Say) -> StackState:
    """The state with ports that are free now: the remembered ones, else the usual ones, else others."""
    given = settings.api_port if "api_port" in settings.model_fields_set else 0
    wanted = {
        "kafka_port": ("Kafka", "127.0.0.1", state.kafka_port or usual.kafka),
        "controller_port": ("Kafka's controller", "127.0.0.1", state.controller_port or usual.controller),
        "postgres_port": ("PostgreSQL", "127.0.0.1", state.postgres_port or usual.postgres),
        "api_port": ("The API", settings.api_host, given or state.api_port or settings.api_port),
    }
    chosen: dict[str, int] = {}
    for name, (part, host, port) in wanted.items():
        chosen[name] = choose(port, tuple(chosen.values()), host)
        if port and chosen[name] != port:
            say(f"Port {port} is taken: {part} uses {chosen[name]}")
    return state.model_copy(update=chosen)


def with_places(data_dir: Path, state: StackState, say: Say) -> StackState:
    """The state with a place for the supervisor's socket, and for PostgreSQL where its user cannot come here."""
    socket = None if state.socket is None else Path(state.socket)
    if socket is None or not socket.parent.is_dir():
        socket = folder.socket_path(data_dir)
    state = state.model_copy(update={"socket": str(socket)})
    if not system_user.is_root():
        return state
    account = system_user.ensure_account()
    system_user.let_pass(data_dir, account)
    outside = None if state.postgres_dir is None else Path(state.postgres_dir).parent
    system_user.sweep_outside(used=outside)
    if (data_dir / "postgres").exists() or (outside is not None and outside.is_dir()):
        return state
    bin_dir = system_user.reachable_binaries(postgres.bundled_binaries(), account)
    if system_user.reaches(account, bin_dir / "postgres", data_dir):
        return state.model_copy(update={"postgres_dir": None})
    outside = system_user.new_outside_folder(account, data_dir)
    say(f"PostgreSQL does not run as root: its user {account.name} keeps its files in {outside}")
    return state.model_copy(update={"postgres_dir": str(outside / "postgres")})


@dataclass(frozen=True, slots=True)
class Servers:
    """Makes the servers' folders where they are missing."""

    data_dir: Path
    say: Say
    clock: Clock
    durable: bool

    def prepare(self, settings: Settings, state: StackState) -> list[Program]:
        """The servers that `settings` leave out, ready to run. Raises Fatal, UserError, JarsMissing."""
        jobs: list[Callable[[StackState], Program]] = []
        if settings.kafka_bootstrap is None:
            jobs.append(self._kafka)
        if settings.database_url is None:
            jobs.append(self._postgres)
        # Both at once: making each folder takes a second or two the first time.
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in [pool.submit(job, state) for job in jobs]]

    def _kafka(self, state: StackState) -> Program:
        mark = mark_of(self.data_dir)
        jars = class_path(self.data_dir / "jars", self.say)
        ensure_startup_cache(jars, mark, self.clock, self.say)
        embedded = EmbeddedKafka(self.data_dir / "kafka", jars, mark)
        embedded.configure(state)
        embedded.format(state)
        return embedded.program()

    def _postgres(self, state: StackState) -> Program:
        embedded = self._embedded_postgres(state)
        embedded.initialise(state)
        embedded.clear_stale_pid()
        return embedded.program(state)

    def _embedded_postgres(self, state: StackState) -> EmbeddedPostgres:
        home = postgres_home(self.data_dir, state)
        bin_dir = postgres.bundled_binaries()
        mark = mark_of(self.data_dir)
        if not system_user.is_root():
            return EmbeddedPostgres(home, bin_dir, None, mark, self.durable)
        account = system_user.ensure_account()
        bin_dir = system_user.reachable_binaries(bin_dir, account)
        if not system_user.reaches(account, bin_dir / "postgres", home.parent):
            raise UserError(
                f"PostgreSQL's user {account.name} cannot come to {home} any more",
                "give others the right to walk through the folders above it (chmod o+x)",
            )
        return EmbeddedPostgres(home, bin_dir, account, mark, self.durable)
