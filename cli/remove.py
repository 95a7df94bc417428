"""`thumper remove`: pictures are forgotten, their bytes deleted; only their ids stay, as removed."""

from typing import Annotated

import typer

from cli.parts import settings_for_parts
from cli.picture_options import (
    ClassName,
    Confidence,
    Ids,
    IdsFile,
    ImportId,
    Location,
    TakenFrom,
    TakenTo,
    read_end,
    read_ids,
)
from thumper.clock import SystemClock
from thumper.errors import UserError
from thumper.settings import read_settings


def remove_command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    ids: Ids = None,
    ids_file: IdsFile = None,
    import_id: ImportId = None,
    location: Location = None,
    class_name: ClassName = None,
    confidence: Confidence = None,
    taken_from: TakenFrom = None,
    taken_to: TakenTo = None,
    reason: Annotated[str | None, typer.Option(help="Kept with the removal.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which and how many, and remove nothing.")] = False,
    yes: Annotated[int | None, typer.Option("--yes", help="The number of pictures, instead of typing it.")] = None,
) -> None:
    """Remove pictures that meet all that is given: rows, boxes, files and thumbnails go, only the ids stay.

    This cannot be taken back. Originals that were imported in place are never deleted. What the log says of the
    pictures (names, places, hashes, no bytes) stays there: docs/reliability.md. The same pictures are not imported
    again, unless with --even-removed. Broken off, the same command removes the rest.
    Exit code 0: done; 1: done, with complaints; 2: asked for wrongly; 3: something needed went away; 130: interrupted.
    """
    from cli.confirm import confirm
    from cli.remove_run import Removal, closing_lines, preview_lines
    from cli.verify_report import say
    from producers.chosen import Chosen
    from producers.removal import Words

    given = (*(ids or ()), *(read_ids(ids_file) if ids_file else ()))
    chosen = Chosen(given, import_id, location, class_name, confidence, taken_from, read_end(taken_to))
    with Removal(settings_for_parts(read_settings()), SystemClock(), say) as run:
        found = run.preview(chosen)
        print("\n".join(preview_lines(found, chosen)))
        if dry_run or not found.pictures:
            return
        if yes is None:
            confirm(str(found.pictures), f"--yes {found.pictures}")
        elif yes != found.pictures:
            raise UserError(f"{found.pictures} pictures are meant, not {yes}; nothing was removed")
        summary = run.remove(chosen, found.pictures, Words(reason, "command"))
        print("\n".join(closing_lines(summary)))
    raise typer.Exit(summary.exit_code)
