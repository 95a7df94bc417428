"""Least rights in PostgreSQL: the roles of the deployment, with their rights from the command, in a real database."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg2
import psycopg2.errors
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from api.app import create_app
from api.deps import open_deps
from cli.grant import grant
from cli.wiring import before_apps
from schemas.image import ImageImported
from tests.api.serving import serving
from tests.processes import ROOT, Processes, eventually
from thumper.embedded import postgres
from thumper.embedded.state import ROLE, StackState
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.settings import Settings

pytestmark = pytest.mark.integration
PASSWORDS = {"thumper_sink": "sink1", "thumper_api": "api1"}
NOT_ALLOWED = psycopg2.errors.InsufficientPrivilege


@dataclass
class Deployment:
    """A database with its roles, and one picture that the sink's role has recorded."""

    settings: Settings

    def as_role(self, role: str) -> Settings:
        address = make_url((self.settings.database_url or SecretStr("")).get_secret_value())
        changed = address.set(username=role, password=PASSWORDS[role]).render_as_string(hide_password=False)
        return self.settings.model_copy(update={"database_url": SecretStr(changed)})

    def run(self, role: str, statement: str) -> None:
        url = (self.as_role(role).database_url or SecretStr("")).get_secret_value()
        connection = psycopg2.connect(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@pytest.fixture
def deployed(settings: Settings, stack_state: StackState, tmp_path: Path) -> Iterator[Deployment]:
    """Made as docker-compose.yml makes it: the image's script, then `thumper init`, then `thumper grant`."""
    before_apps(settings)
    name = make_url((settings.database_url or SecretStr("")).get_secret_value()).database or ""
    found = Deployment(settings)
    try:
        run_script(stack_state, name)
        for part in ("sink", "api"):
            assert grant(settings, part, None, f"thumper_{part}") == grant(settings, part, None, f"thumper_{part}")
        with Processes(found.as_role("thumper_sink"), tmp_path) as processes:
            sink = processes.sink().wait_ready()
            with Emitter(settings) as emitter:
                emitter.emit("images", ImageImported(sha256="0" * 64, uri="store:///00/x.jpg"))
                emitter.flush()
            eventually(lambda: processes.sql("SELECT count(*) FROM image") == [(1,)], "the sink's role records")
            assert sink.stop() == 0
        yield found
    finally:
        drop_roles(stack_state, name)


def run_script(state: StackState, database: str) -> None:
    environment = {
        "PATH": f"{postgres.bundled_binaries()}:{os.environ['PATH']}",
        **postgres.client_environment(state.superuser_url),
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": database,
        "SINK_DB_PASSWORD": PASSWORDS["thumper_sink"],
        "API_DB_PASSWORD": PASSWORDS["thumper_api"],
    }
    subprocess.run(["sh", ROOT / "deploy" / "roles.sh"], env=environment, check=True, capture_output=True)


def drop_roles(state: StackState, database: str) -> None:
    connection = psycopg2.connect(state.superuser_url.rpartition("/")[0] + f"/{database}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for role in PASSWORDS:
            cursor.execute(f"DROP OWNED BY {role} CASCADE")
            cursor.execute(f"DROP ROLE {role}")
    connection.close()


FOR_NOBODY = (
    "CREATE TABLE mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "ALTER TABLE image ADD COLUMN mine int",
    "DROP TABLE image",
    "DROP VIEW images",
    "TRUNCATE image",
    "ALTER TABLE image DISABLE TRIGGER ALL",
    "UPDATE alembic_version SET version_num = 'x'",
    "COPY image TO PROGRAM 'cat'",
    "COPY image TO '/tmp/stolen'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SET session_replication_role = replica",
    "SET ROLE postgres",
    f"SET ROLE {ROLE}",
    "CREATE EXTENSION dblink",
)
FOR_THE_SINK = (
    "INSERT INTO recorded VALUES ('images', 9, 1, 1)",
    "UPDATE image SET state = 0",
    "DELETE FROM box",
    "UPDATE images SET processing_status = 'pending'",
    "CREATE TEMPORARY TABLE mine (x int)",
)


def test_the_sink_writes_and_all_others_read(deployed: Deployment) -> None:
    for statement in FOR_THE_SINK:
        deployed.run("thumper_sink", statement)
        if "TEMPORARY" not in statement:
            with pytest.raises(NOT_ALLOWED):
                deployed.run("thumper_api", statement)
    for role in PASSWORDS:
        deployed.run(role, "SELECT count(*) FROM images, locations, detections, recorded")
        for statement in FOR_NOBODY:
            with pytest.raises(NOT_ALLOWED):
                deployed.run(role, statement)
    check_reading(deployed)
    check_refusals(deployed)


def check_reading(deployed: Deployment) -> None:
    """The whole API works as a role that only reads."""
    with open_deps(deployed.as_role("thumper_api")) as deps, serving(create_app(deps)) as client:
        status: httpx.Response = client.get("/api/processing/status")
        assert (status.status_code, status.json()["total"]) == (200, 1)
        for path in ("/health", "/api/images", "/api/detections", "/api/locations", "/api/failures", "/api/models"):
            assert client.get(path).status_code == 200, path
        assert client.post("/api/processing/batch").status_code in (200, 202, 503), "it asks by the log"


def check_refusals(deployed: Deployment) -> None:
    with pytest.raises(UserError, match="no role 'stranger'"):
        grant(deployed.settings, "api", None, "stranger")
    with pytest.raises(UserError, match="no role"):
        grant(deployed.settings, "api", None, 'x"; DROP TABLE image; --')
    with pytest.raises(UserError, match="does not look into the database"):
        grant(deployed.settings, "detector", None, "thumper_api")
