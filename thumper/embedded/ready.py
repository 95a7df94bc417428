"""When a part of the stack is ready: asked, never guessed from the time that has passed."""

import http.client
from dataclasses import dataclass
from pathlib import Path

from thumper.embedded import kafka, postgres
from thumper.embedded.state import StackState
from thumper.embedded.supervision import ProgramState


def mark_path(data_dir: Path, name: str) -> Path:
    """The file into which a program writes its pid once it is ready."""
    return data_dir / "run" / f"{name}.ready"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Looks at one part after the other."""

    data_dir: Path
    state: StackState
    api_host: str

    def is_ready(self, program: ProgramState) -> bool:
        """Whether the part does its work now."""
        if program.pid == 0:
            return False
        if program.name == "kafka":
            return kafka.is_ready(self.state)
        if program.name == "postgres":
            return postgres.is_ready(self.state)
        if program.name == "api":
            return self._api_answers()
        return self._is_marked(program)

    def _is_marked(self, program: ProgramState) -> bool:
        try:
            return mark_path(self.data_dir, program.name).read_text("ascii").strip() == str(program.pid)
        except (FileNotFoundError, ValueError):
            return False

    def _api_answers(self) -> bool:
        host = "127.0.0.1" if self.api_host in ("0.0.0.0", "::") else self.api_host  # noqa: S104 - compared, not bound
        connection = http.client.HTTPConnection(host, self.state.api_port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
