"""The life of an embedded stack with its real servers: ends, kills, half-written folders, ports, root's other place."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
from confluent_kafka.admin import NewTopic

from thumper.clock import SystemClock
from thumper.embedded import kafka, leftovers, system_user
from thumper.embedded.servers import ANY_PORTS, mark_of
from thumper.embedded.stack import EmbeddedStack, connect
from thumper.embedded.state import StackState, save_state
from thumper.embedded.waiting import wait_until
from thumper.errors import UserError
from thumper.kafka import make_admin
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
UP = """
import sys
from pathlib import Path
from thumper.embedded.stack import ANY_PORTS, EmbeddedStack
from thumper.settings import Settings
folder = Path(sys.argv[1])
say = lambda line: print(line, flush=True)
EmbeddedStack(folder, say=say, ports=ANY_PORTS, durable=False).start(Settings(data_dir=folder), apps=False)
"""


@pytest.fixture
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Through pytest's own private folder, PostgreSQL's user does not come when the caller is root.
    folder = Path(os.environ["THUMPER_TEST_RUN"]) / tmp_path_factory.mktemp("x").name
    yield folder
    _stack(folder).remove()
    assert leftovers.leftovers(mark_of(folder), None) == []


def _stack(folder: Path, say: Callable[[str], None] = print) -> EmbeddedStack:
    return EmbeddedStack(folder, say=say, ports=ANY_PORTS, durable=False)


def _start(folder: Path, say: Callable[[str], None] = print) -> Settings:
    return _stack(folder, say).start(Settings(data_dir=folder), apps=False)


def _pid(folder: Path, name: str) -> int:
    return next(part.pid for part in _stack(folder).parts() if part.name == name)


def _sql(settings: Settings, statement: str) -> object:
    assert settings.database_url is not None
    connection = psycopg2.connect(settings.database_url.get_secret_value())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


def _create_topic(settings: Settings, name: str) -> None:
    admin = make_admin(settings)
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)


def _topics(settings: Settings) -> set[str]:
    return {name for name in make_admin(settings).list_topics(timeout=10).topics if not name.startswith("__")}


def test_data_and_ports_are_kept_nothing_is_left_running_and_taken_ports_give_way(data_dir: Path) -> None:
    settings = _start(data_dir)
    _sql(settings, "CREATE TABLE kept AS SELECT 1 AS x")
    _create_topic(settings, "kept")
    assert _stack(data_dir).stop()
    assert leftovers.leftovers(mark_of(data_dir), data_dir / "postgres") == []
    assert sorted(path.name for path in (data_dir / "run").iterdir()) == []
    again = _start(data_dir)
    assert (again.kafka_bootstrap, again.database_url) == (settings.kafka_bootstrap, settings.database_url)
    assert _sql(again, "SELECT x FROM kept") == [(1,)]
    assert _topics(again) == {"kept"}
    assert connect(Settings(data_dir=data_dir)).database_url == settings.database_url
    _stack(data_dir).stop()
    state = _stack(data_dir).state()
    said: list[str] = []
    with socket.create_server(("127.0.0.1", state.kafka_port)), socket.create_server(("", state.postgres_port)):
        moved = _start(data_dir, said.append)
        assert _sql(moved, "SELECT x FROM kept") == [(1,)]
        assert _topics(moved) == {"kept"}
    now = _stack(data_dir).state()
    assert f"Port {state.kafka_port} is taken: Kafka uses {now.kafka_port}" in said
    assert f"Port {state.postgres_port} is taken: PostgreSQL uses {now.postgres_port}" in said
    assert _start(data_dir).kafka_bootstrap == moved.kafka_bootstrap == now.kafka_bootstrap


def test_killed_servers_come_back_with_their_data(data_dir: Path) -> None:
    settings = _start(data_dir)
    _sql(settings, "CREATE TABLE kept AS SELECT 1 AS x")
    killed = {name: _pid(data_dir, name) for name in ("kafka", "postgres")}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)

    def are_back() -> bool:
        return all(part.ready and part.pid != killed[part.name] for part in _stack(data_dir).parts())

    assert wait_until(are_back, SystemClock(), 60)
    assert all(part.restarts >= 1 for part in _stack(data_dir).parts())
    assert _sql(settings, "SELECT x FROM kept") == [(1,)]


def test_everything_killed_is_repaired_by_the_next_start(data_dir: Path) -> None:
    settings = _start(data_dir)
    _sql(settings, "CREATE TABLE kept AS SELECT 1 AS x")
    victims = [psutil.Process(_pid(data_dir, name)) for name in ("kafka", "postgres")]
    psutil.Process(int((data_dir / "run" / "supervisord.pid").read_text())).kill()
    for victim in victims:
        victim.kill()
    with pytest.raises(UserError, match="nothing runs in"):
        connect(Settings(data_dir=data_dir))
    # The number of the dead server belongs to another program now.
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert _sql(_start(data_dir), "SELECT x FROM kept") == [(1,)]


def test_servers_that_outlived_their_supervisor_are_replaced(data_dir: Path) -> None:
    _start(data_dir)
    orphans = [psutil.Process(_pid(data_dir, name)) for name in ("kafka", "postgres")]
    psutil.Process(int((data_dir / "run" / "supervisord.pid").read_text())).kill()
    said: list[str] = []
    settings = _start(data_dir, said.append)
    assert any("an earlier run left behind" in line for line in said)
    assert not any(leftovers.is_alive(orphan) for orphan in orphans)
    assert _topics(settings) == set()


def test_half_written_folders_are_made_anew(data_dir: Path) -> None:
    settings = _start(data_dir)
    _stack(data_dir).stop()
    # As a kill within initdb and within the formatting of Kafka's log leaves them: aside, incomplete.
    for name in ("postgres", "kafka/data"):
        whole, aside = data_dir / name, data_dir / f"{name}.new"
        whole.rename(aside)
    (data_dir / "postgres.new" / "PG_VERSION").unlink()
    (data_dir / "kafka" / "data.new" / "meta.properties").unlink()
    (data_dir / "pwfile").write_text("left over")
    again = _start(data_dir)
    assert again.database_url == settings.database_url
    assert _sql(again, "SELECT 1") == [(1,)]
    assert not (data_dir / "postgres.new").exists()
    assert not (data_dir / "kafka" / "data.new").exists()
    assert not (data_dir / "pwfile").exists()


def test_a_folder_of_another_postgres_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    save_state(data_dir, StackState.new())
    with pytest.raises(UserError, match="was made by PostgreSQL 15"):
        _start(data_dir)


def _drop_role_and_database(state: StackState) -> None:
    """As a start leaves it that is interrupted right after the server is ready."""
    connection = psycopg2.connect(state.superuser_url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE deer_tracking")
            cursor.execute("DROP ROLE deertrack")
    finally:
        connection.close()


def test_only_passwords_open_the_database_and_only_from_here_and_it_is_made_where_missing(data_dir: Path) -> None:
    _start(data_dir)
    state = _stack(data_dir).state()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(state.database_url.replace(state.password, "wrong"))
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(f"postgresql://postgres@127.0.0.1:{state.postgres_port}/postgres?passfile=/dev/null")
    ours = {part.pid for part in _stack(data_dir).parts()}
    listening = [
        address.laddr.ip
        for pid in ours
        for address in psutil.Process(pid).net_connections()
        if address.status == "LISTEN"
    ]
    assert listening
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    command_lines = [psutil.Process(pid).cmdline() for pid in ours]
    assert state.password not in str(command_lines)
    assert state.superuser_password not in str(command_lines)
    _drop_role_and_database(state)
    settings = _start(data_dir)
    assert _sql(settings, "SELECT current_user, current_database()") == [("deertrack", "deer_tracking")]
    for path in (data_dir / "stack.json", data_dir / "logs" / "kafka.log", data_dir / "kafka", data_dir / "postgres"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
def test_as_root_in_a_private_home_the_database_lies_elsewhere_and_goes_with_its_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    folder = home / "data"
    try:
        settings = _start(folder)
        outside = Path(_stack(folder).state().postgres_dir or "")
        assert outside.is_relative_to(system_user.OUTSIDE)
        assert home.stat().st_mode & 0o777 == 0o700
        assert outside.stat().st_mode & 0o077 == 0
        assert psutil.Process(_pid(folder, "postgres")).username() in ("thumper", "nobody")
        _sql(settings, "CREATE TABLE kept AS SELECT 1 AS x")
        _stack(folder).stop()
        assert _sql(_start(folder), "SELECT x FROM kept") == [(1,)]
        _stack(folder).stop()
        shutil.rmtree(home)
        system_user.sweep_outside(used=None)
        assert not outside.parent.exists()
    finally:
        _stack(folder).remove()


@pytest.mark.parametrize("after", ["Waiting for kafka", ""], ids=["while it waits", "at once"])
def test_an_interrupted_start_leaves_nothing_running_and_the_next_one_works(data_dir: Path, after: str) -> None:
    command = [sys.executable, "-c", UP, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if after:
            for line in process.stdout:
                if after in line:
                    break
        else:
            assert wait_until((data_dir / "stack.json").exists, SystemClock(), 30)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert leftovers.leftovers(mark_of(data_dir), data_dir / "postgres") == []
    assert _sql(_start(data_dir), "SELECT 1") == [(1,)]


def test_a_killed_start_is_repaired_by_the_next_one(data_dir: Path) -> None:
    command = [sys.executable, "-c", UP, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        assert wait_until((data_dir / "postgres.new").exists, SystemClock(), 30)
        process.kill()
    assert _sql(_start(data_dir), "SELECT 1") == [(1,)]


@pytest.mark.faults
def test_a_machine_that_slept_goes_on_by_itself(data_dir: Path) -> None:
    settings = _start(data_dir)
    state = _stack(data_dir).state()
    everything = leftovers.leftovers(mark_of(data_dir), data_dir / "postgres")
    everything += [child for process in everything for child in process.children(recursive=True)]
    for process in everything:
        # PostgreSQL's process for a question that has just been answered ends by itself.
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    # Longer than the session time-out of consumers (10 s): what is frozen here is time itself.
    SystemClock().sleep(12)
    for process in reversed(everything):
        with suppress(psutil.NoSuchProcess):
            process.resume()
    assert wait_until(lambda: kafka.is_ready(state), SystemClock(), 30)
    _create_topic(settings, "after")
    assert _sql(settings, "SELECT 1") == [(1,)]
    assert all(part.ready and part.restarts == 0 for part in _stack(data_dir).parts())
