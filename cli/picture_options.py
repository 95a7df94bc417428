"""Options that choose pictures, as several commands read them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from thumper.errors import UserError

DAYS = "%Y-%m-%d"
TIMES = [DAYS, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M"]

Ids = Annotated[list[UUID] | None, typer.Option("--id", help="A picture's id; may be given again.")]
IdsFile = Annotated[Path | None, typer.Option("--ids", help="A file of ids, one a line.")]
ImportId = Annotated[str | None, typer.Option("--import", help="What this import brought.")]
Location = Annotated[str | None, typer.Option("--location", help="A location's name or id.")]
ClassName = Annotated[str | None, typer.Option("--class", help="With this class in it, like doe or person.")]
Confidence = Annotated[
    float | None, typer.Option("--confidence", min=0, max=1, help="Of that class at least; default: what is displayed.")
]
TakenFrom = Annotated[datetime | None, typer.Option("--from", formats=TIMES, help="Taken at or after this local time.")]
TakenTo = Annotated[str | None, typer.Option("--to", help="Taken at or before this local time, or on this day.")]


def read_ids(path: Path) -> tuple[UUID, ...]:
    """The ids of a file, one a line. Raises UserError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    found: list[UUID] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(UUID(line.strip()))
            except ValueError:
                raise UserError(f"{path}, line {number}: {line.strip()[:50]!r} is no id") from None
    if not found:
        raise UserError(f"{path} holds no id")
    return tuple(found)


def read_end(given: str | None) -> datetime | None:
    """A local time; a day ends with its last moment. Raises UserError."""
    if given is None:
        return None
    for shape in TIMES:
        try:
            found = datetime.strptime(given, shape)
        except ValueError:
            continue
        return found + timedelta(days=1, microseconds=-1) if shape == DAYS else found
    raise UserError(f"--to {given!r} is no time", "like 2026-11-01 or 2026-11-01T06:30:00, local time of the camera")
