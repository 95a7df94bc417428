"""What the supervisor is told of one program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep alive. No secret belongs into `command`: everybody can read the process list."""

    name: str
    command: tuple[str, ...]
    directory: Path
    # Plain words only: supervisord's settings file has no way to write every character.
    marks: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 30
