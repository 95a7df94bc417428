"""Servers of the harness's own, which may be killed, and parts on them that are started again when they end."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil
import psycopg2
from confluent_kafka import KafkaException
from pydantic import SecretStr

from cli.wiring import before_apps
from tests.conftest import RUN_PREFIX, run_folder
from tests.faults.ledger import Books
from tests.faults.orders import Orders
from tests.faults.schedule import API, DETECTORS, SINK
from tests.processes import CLOCK, Part, Processes, free_port
from thumper.embedded import kafka, postgres
from thumper.embedded.stack import ANY_PORTS, EmbeddedStack
from thumper.embedded.waiting import wait_until
from thumper.errors import ThumperError
from thumper.settings import Settings

T = TypeVar("T")
PROGRAM = "tests.faults.part"
DISK = "disk"
DUMPS = {"PYTHONFAULTHANDLER": "1"}
# A batch of eight takes so long: several batches are in hand whenever something happens.
LATENCY_S = 0.01
LOOK_S = 0.1
SESSION_MS, TRANSACTION_MS = 6_000, 4_000
# Servers and parts together, on a machine that is busy with other tests.
COMES_BACK_S = 120.0
# The embedded stack's supervisor waits half of this before it kills.
ENDS_S = 40.0
# In order; before it had begun to listen; while it waited for what it needs.
ENDED = {0, -signal.SIGTERM, 130}
# A call of the Kafka client that does not return ends the process by rule (thumper.bounded).
HUNG = "has not returned within"
FAULT_OF_THE_PROGRAM = "a fault of the program"


class Unhealed(Exception):
    """Something did not come back in time."""


class QuietProcesses(Processes):
    """Hundreds of parts come and go: their logs stay in the folder."""

    def show(self) -> None:
        """Nothing."""


class World:
    """Kafka, PostgreSQL, two detectors, a sink, an API, and who starts them again. Everything is in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.books = Books(folder, CLOCK)
        self.history = self.books.history
        (folder / "orders").mkdir()
        self.orders = Orders(folder / "orders")
        # What is on this disk may meet its end; the harness's own books may not.
        self.disk = folder / DISK
        self.disk.mkdir(mode=0o711, exist_ok=True)
        self.store = self.disk / "store"
        self.stack = EmbeddedStack(self.disk / "stack", ports=ANY_PORTS, durable=False)
        connected = self.stack.start(Settings(data_dir=self.stack.data_dir), apps=False)
        self.settings = _settings(folder, self.store, connected)
        before_apps(self.settings)
        self.parts = QuietProcesses(self.settings, folder)
        self._lock = threading.RLock()
        self._wanted: set[str] = set()
        self._running: dict[str, Part] = {}
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper")

    def begin(self) -> None:
        """Start all parts, and go on starting them."""
        self.want(*DETECTORS, SINK, API)
        self._keeper.start()

    def close(self) -> None:
        """End everything."""
        self._ending.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        self.parts.close()
        self.stack.remove()

    # Parts

    def want(self, *names: str) -> None:
        """These are to run from now on."""
        with self._lock:
            for name in names:
                self._wanted.add(name)
                self._start(name)

    def part(self, name: str) -> Part:
        """The process that runs, or ran last, under this name."""
        with self._lock:
            return self._running[name]

    def stop(self, *names: str) -> None:
        """These are to end in order, at once. An exit code that is not 0 is noted as broken."""
        with self._lock:
            self._wanted -= set(names)
            ending = [self._running.pop(name) for name in names if name in self._running]
        for part in ending:
            part.send(signal.SIGCONT)
            part.send(signal.SIGTERM)
        for part in ending:
            try:
                self._judge(part, part.process.wait(ENDS_S), asked=True)
            except subprocess.TimeoutExpired:
                # Where it hangs comes into its log.
                part.send(signal.SIGABRT)
                part.process.wait(ENDS_S)
                self.books.broken.append(
                    f"{part.name} has not ended {ENDS_S:.0f} s after it was asked to: {part.log[-6_000:]}"
                )

    def frozen(self, name: str) -> bool:
        """Whether this part is stopped by a signal."""
        return is_frozen(self.part(name))

    def _start(self, name: str) -> None:
        if name not in self._running:
            words, program = _words(name, self.folder), _program(name)
            self._running[name] = self.parts.start(*words, program=program, variables=DUMPS)

    def _keep(self) -> None:
        while not self._ending.wait(LOOK_S):
            with self._lock:
                for name, part in list(self._running.items()):
                    if (code := part.process.poll()) is not None:
                        self._judge(part, code, asked=False)
                        del self._running[name]
                for name in self._wanted:
                    self._start(name)

    def _judge(self, part: Part, code: int, *, asked: bool) -> None:
        if code == -signal.SIGKILL:
            return
        log = part.log
        if FAULT_OF_THE_PROGRAM in log or "Traceback" in log or (asked and code not in ENDED and HUNG not in log):
            self.books.broken.append(f"{part.name} ended with {code}: {log.strip()[-300:]}")
        if not asked:
            self.history.note("ended by itself", "info", part=part.name, code=code, log=log[-600:])

    # Servers

    def server(self, name: str) -> psutil.Process:
        """The process of `kafka` or `postgres`."""
        return psutil.Process(self.stack.programs()[name].pid)

    def servers_answer(self) -> bool:
        """Whether both are there."""
        state = self.stack.state()
        return kafka.is_ready(state) and postgres.is_ready(state)

    def wait_for_servers(self) -> None:
        """Raises Unhealed."""
        self.wait(self.servers_answer, "Kafka and PostgreSQL answer")

    @contextmanager
    def database(self) -> "Iterator[psycopg2.extensions.cursor]":
        """A cursor of the role that owns the tables, in a transaction that is rolled back."""
        assert self.settings.database_url is not None
        connection = psycopg2.connect(self.settings.database_url.get_secret_value(), application_name="harness")
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    # Waiting

    def wait(self, holds: Callable[[], bool], what: str, within_s: float = COMES_BACK_S) -> None:
        """Until it holds. Raises Unhealed."""
        if not wait_until(lambda: bool(tried(holds)), CLOCK, within_s):
            raise Unhealed(f"not within {within_s:.0f} s: {what}")

    def everybody_is_ready(self) -> bool:
        """Whether each wanted part does its work."""
        with self._lock:
            if self._wanted - self._running.keys():
                return False
            running = [self._running[name] for name in self._wanted if name != API]
        return all(part.process.poll() is None and part.is_ready() for part in running) and bool(
            self.parts.get("/health")
        )


def is_frozen(part: Part) -> bool:
    """Whether it is stopped by a signal."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(part.process.pid).status() == psutil.STATUS_STOPPED
    return False


def tried(call: Callable[[], T]) -> T | None:
    """What `call` gives, or None where something that it needs is away."""
    try:
        return call()
    except (ThumperError, KafkaException, OSError, AssertionError, psycopg2.Error, psutil.Error):
        return None
    except Exception as error:
        # SQLAlchemy wraps the driver's errors.
        if isinstance(getattr(error, "orig", None), psycopg2.Error):
            return None
        raise


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can pass, and that the next run clears if this one is killed."""
    with tempfile.TemporaryDirectory(prefix=RUN_PREFIX, ignore_cleanup_errors=True) as name:
        yield run_folder(Path(name))


def _settings(folder: Path, store: Path, connected: Settings) -> Settings:
    assert connected.database_url is not None
    return Settings(
        data_dir=folder / "data",
        store=store.as_uri(),
        kafka_bootstrap=connected.kafka_bootstrap,
        database_url=SecretStr(connected.database_url.get_secret_value()),
        partitions=4,
        session_timeout_ms=SESSION_MS,
        transaction_timeout_ms=TRANSACTION_MS,
        store_reserve_bytes=0,
        api_port=free_port(),
    )


def _program(name: str) -> str:
    return "cli.main" if name == API else PROGRAM


def _words(name: str, folder: Path) -> Sequence[str]:
    if name == API:
        return ("api",)
    role = "detector" if name.startswith("d") else "sink"
    more = ("--latency", str(LATENCY_S)) if role == "detector" else ()
    return (role, "--name", name, "--orders", os.fspath(folder / "orders"), *more)
