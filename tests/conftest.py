"""One embedded Kafka and PostgreSQL for a whole run (all of its workers), started by the first test that asks.

Fixtures: `stack`, `bootstrap`, `database_url`, `fresh_database`, `topic_prefix`, `settings`.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import psutil
import pytest
from pydantic import SecretStr

from thumper.embedded import postgres
from thumper.embedded.stack import ANY_PORTS, EmbeddedStack
from thumper.embedded.state import StackState
from thumper.settings import Settings

# The folder's name travels to the workers in the environment; only the main process removes it.
_FOLDER = "THUMPER_TEST_RUN"
RUN_PREFIX = "thumper-test-"


# No test is judged by the clock, least of all on a busy machine.
hypothesis.settings.register_profile("thumper", deadline=None)
hypothesis.settings.load_profile("thumper")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        for name in [name for name in os.environ if name.startswith("THUMPER_")]:
            del os.environ[name]
        folder = run_folder(Path(tempfile.mkdtemp(prefix=RUN_PREFIX)))
        os.environ[_FOLDER] = str(folder)


def run_folder(folder: Path) -> Path:
    """Make it one that can hold a stack, and that a later run clears if this one is killed."""
    # As root, PostgreSQL runs as another user, who has to come through.
    folder.chmod(0o711)
    (folder / "pid").write_text(str(os.getpid()), "ascii")
    return folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(_FOLDER, None)):
        _remove_run(Path(folder))


def _remove_run(folder: Path) -> None:
    _embedded(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


def _embedded(folder: Path) -> EmbeddedStack:
    return EmbeddedStack(folder / "stack", ports=ANY_PORTS, durable=False)


def _remove_abandoned_runs(current: Path) -> None:
    """What killed runs of this user left running."""
    for note in current.parent.glob(f"{RUN_PREFIX}*/pid"):
        folder = note.parent
        if folder != current and folder.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(note.read_text())):
            _remove_run(folder)


@pytest.fixture(scope="session")
def stack() -> EmbeddedStack:
    """The running stack: Kafka and PostgreSQL, without the programs of this system."""
    folder = Path(os.environ[_FOLDER])
    with (folder / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        embedded = _embedded(folder)
        if not (folder / "started").exists():
            _remove_abandoned_runs(folder)
            embedded.start(Settings(data_dir=embedded.data_dir), apps=False)
            (folder / "started").touch()
    return embedded


@pytest.fixture(scope="session")
def stack_state(stack: EmbeddedStack) -> StackState:
    """Its ports and passwords."""
    return stack.state()


@pytest.fixture(scope="session")
def bootstrap(stack_state: StackState) -> str:
    """`host:port` of the broker."""
    return stack_state.kafka_bootstrap


@pytest.fixture(scope="session")
def database_url(stack_state: StackState) -> str:
    """The address of the database that the whole run shares; its role owns it."""
    return stack_state.database_url


@pytest.fixture
def fresh_database(stack_state: StackState) -> Iterator[str]:
    """The address of an empty database for one test; its role owns it."""
    name = f"test_{uuid4().hex[:12]}"
    yield postgres.create_database(stack_state, name)
    postgres.drop_database(stack_state, name)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topics and groups that no other test has."""
    return f"t{uuid4().hex[:10]}."


@pytest.fixture
def settings(bootstrap: str, fresh_database: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings that reach the stack, with a database, topics and groups of the test's own, and short time-outs."""
    return settings_of(bootstrap, fresh_database, topic_prefix, tmp_path)


def settings_of(bootstrap: str, database_url: str, prefix: str, folder: Path) -> Settings:
    """The same for whoever shares one system among several tests."""
    return Settings(
        data_dir=folder / "data",
        kafka_bootstrap=bootstrap,
        database_url=SecretStr(database_url),
        topic_prefix=prefix,
        group_prefix=prefix,
        partitions=4,
        session_timeout_ms=6_000,
        transaction_timeout_ms=4_000,
        store_reserve_bytes=0,
        api_port=0,
    )
