"""`thumper trace`: a picture's whole story from the log, in the terminal."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.text import Text

from cli.parts import settings_for_parts
from schemas.image import image_id
from thumper.clock import SystemClock
from thumper.dead_letters import shown
from thumper.errors import UserError
from thumper.settings import Settings, read_settings

if TYPE_CHECKING:
    from api.responses import Trace, TraceStep
    from api.trace_reader import Tracer

_STYLES = {"completed": "green", "failed": "bold red", "dead letter": "bold red", "unknown": "yellow"}
_TIMES = ("queue", "read", "decode", "infer", "total")


def trace_command(
    picture: Annotated[str, typer.Argument(metavar="FILE|ID", help="A file, a picture's id, or a SHA-256.")],
    everything: Annotated[bool, typer.Option("--all", help="Search all of the log, however long that takes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The API's answer, as JSON.")] = False,
) -> None:
    """Tell a picture's story from the log: where it came from, what was tried, where it is now.

    Exit code 0: it is known; 1: it is not.
    """
    from api.trace_reader import MOST_SCANNED

    image, sha256 = named(picture)
    with _tracer(settings_for_parts(read_settings())) as tracer:
        found = tracer.trace(image, sha256, 2**62 if everything else MOST_SCANNED)
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        Console(soft_wrap=True).print(*lines(found), sep="\n")
    if found.where == "unknown":
        raise typer.Exit(1)


def named(picture: str) -> tuple[UUID, str | None]:
    """The id of the picture that `picture` names, and its bytes' SHA-256 where that is at hand. Raises UserError."""
    path = Path(picture)
    if _is_file(path):
        sha256 = _sha256(path)
        return image_id(sha256), sha256
    if re.fullmatch(r"[0-9a-fA-F]{64}", picture):
        return image_id(picture.lower()), picture.lower()
    try:
        return UUID(picture), None
    except ValueError:
        hint = "ids stand in /api/images and in the table images; or name the file itself"
        raise UserError(f"{picture!r} is no file, no picture's id and no SHA-256", hint) from None


def lines(found: "Trace") -> list[Text]:
    """The story, a line or two for each event, and where the picture is."""
    told = [Text(f"picture {found.image_id}{f'  sha256 {found.sha256}' if found.sha256 else ''}")]
    for one in found.steps:
        told += _step_lines(one)
    told.append(Text(f"now: {found.where}. ", style=_STYLES.get(found.where, "bold")) + _safe(found.text))
    if found.unsearched:
        told.append(Text(f"not searched (--all does): {'; '.join(found.unsearched)}", style="dim"))
    return told


def _step_lines(one: "TraceStep") -> list[Text]:
    place = f"{one.topic} {one.partition} at {one.offset}"
    head = Text(f"{one.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f" UTC  {one.what}: ") + _safe(one.text)
    told = [place]
    if one.recorded is not None:
        told.append("recorded" if one.recorded else "not recorded yet")
    if "answers" in one.details:
        told.append(f"answers {one.details['answers']}")
        told.append(", ".join(f"{name} {one.details[f'{name}_ms']} ms" for name in _TIMES))
    if "uri" in one.details:
        told.append(str(one.details["uri"]))
    return [head, _safe("    " + " · ".join(told), "dim")]


def _safe(text: str, style: str = "") -> Text:
    """Paths and reasons are other people's: what would change the terminal is shown as an escape."""
    return Text(shown(text.encode("utf-8", "backslashreplace")), style=style)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for any file, or a folder that may not be looked into
        return False


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


@contextmanager
def _tracer(settings: Settings) -> "Iterator[Tracer]":
    from api.trace_reader import Tracer
    from api.workers import BeatReader
    from thumper.database import make_engine
    from thumper.lag import LagReader

    clock = SystemClock()
    with closing(LagReader(settings, clock)) as lags, closing(BeatReader(settings, clock)) as beats:
        beats.catch_up()
        engine = make_engine(settings, read_only=True)
        try:
            yield Tracer(settings, engine, lags, beats.beats, clock)
        finally:
            engine.dispose()
