"""What the API knows of importing: somebody takes a folder of pictures for a location. Who that is, the roof says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from thumper.errors import Retriable


class ImportBusy(Retriable):
    """Another import runs, or the sink is behind; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not imported, and why."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the pictures. known: they were there already, at this place or another."""

    imported: int
    known: int
    removed: int
    refused: tuple[Refused, ...]


class Uploads(Protocol):
    """Takes pictures in, on the way of every import."""

    def sweep(self) -> None:
        """Remove what a process that was killed has left. Before the first folder() only."""
        ...

    def folder(self) -> Path:
        """A new folder for what arrives; the caller removes it."""
        ...

    def take(self, folder: Path, location: str) -> Taken:
        """Import what lies in `folder`. Blocks. Raises ImportBusy, StoreDown, KafkaDown, DatabaseDown, UserError."""
        ...
