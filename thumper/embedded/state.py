"""What is remembered of an embedded stack between runs: ports, passwords, identity (`stack.json`, private)."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from thumper.errors import UserError

DATABASE = "deer_tracking"
ROLE = "deertrack"
SUPERUSER = "postgres"


class StackState(BaseModel):
    """One embedded stack. Ports are 0 until they were chosen."""

    model_config = ConfigDict(frozen=True)

    version: int = 1
    cluster_id: str
    superuser_password: str
    password: str
    kafka_port: int = 0
    controller_port: int = 0
    postgres_port: int = 0
    api_port: int = 0
    # Set when PostgreSQL's files cannot lie in the data folder (it never runs as root).
    postgres_dir: str | None = None
    # The supervisor's socket.
    socket: str | None = None

    @classmethod
    def new(cls) -> Self:
        """A stack that has never run, with fresh passwords."""
        # Kafka's own format of a cluster id: 22 characters of base64.
        cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if cluster_id.startswith("-"):
            cluster_id = "A" + cluster_id[1:]
        return cls(
            cluster_id=cluster_id,
            superuser_password=secrets.token_hex(16),
            password=secrets.token_hex(16),
        )

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port` of the broker."""
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def database_url(self) -> str:
        """The database's address for the role that owns it, password included."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def superuser_url(self) -> str:
        """The address for what only the superuser may do, password included."""
        return f"postgresql://{SUPERUSER}:{self.superuser_password}@127.0.0.1:{self.postgres_port}/postgres"


def state_path(data_dir: Path) -> Path:
    """Where the state of the stack in `data_dir` lies."""
    return data_dir / "stack.json"


def load_state(data_dir: Path) -> StackState | None:
    """The remembered state, or None where no stack has run. Raises UserError when the file is damaged."""
    path = state_path(data_dir)
    try:
        return StackState.model_validate(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise UserError(f"{path} cannot be read", "run this as the user that the folder belongs to") from None
    except (ValueError, ValidationError):
        raise UserError(
            f"{path} is damaged: it holds the passwords of the databases beside it",
            f"restore it from a backup, or move {data_dir} away to begin anew",
        ) from None


def save_state(data_dir: Path, state: StackState) -> None:
    """Write it whole or not at all, readable by nobody else."""
    path = state_path(data_dir)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
