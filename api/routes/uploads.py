"""`POST /api/images`: pictures from a browser or a script, into the store and the log like every import's."""

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, File, Form, Security, UploadFile
from fastapi.security import HTTPBearer

from api.deps import Deps, Parts
from api.problems import Refusal
from api.responses import Uploaded, UploadRefused
from api.uploads import Uploads
from schemas.envelope import NO_NUL
from thumper.errors import UserError

MOST_FILES = 100
# Each keeps its body on the disk meanwhile.
MOST_WAITING = 8
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic", ".heif"})
# All names of a folder are at most this long, in bytes; with room for a number.
LONGEST_NAME = 200
bearer = HTTPBearer(auto_error=False, description="THUMPER_API_TOKEN, where one is set")

router = APIRouter(tags=["images"], dependencies=[Security(bearer)])
LocationName = Annotated[
    str, Form(min_length=1, max_length=200, pattern=NO_NUL, description="where they were taken", examples=["Hayfield"])
]


@router.post("/api/images", operation_id="upload_images")
async def upload(
    parts: Parts,
    files: Annotated[list[UploadFile], File(description=f"at most {MOST_FILES} pictures")],
    location_name: LocationName,
) -> Uploaded:
    """Import pictures: what `thumper import` does with a folder, with the same outcome however often it is sent.

    Answers when the log has them. A file that is no picture by its name, or too large, is refused by itself.
    """
    place = location_name.strip()
    if not place:
        raise Refusal(422, "location_name is empty", "say where the pictures were taken")
    if len(files) > MOST_FILES:
        raise Refusal(
            413, f"{len(files)} files at once, and at most {MOST_FILES} are taken", "send them in several calls"
        )
    if parts.uploads is None:
        raise Refusal(404, "this API takes no pictures", "use `thumper import`")
    if parts.uploading.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many uploads at once", "call again", {"Retry-After": "5"})
    work = partial(_take, parts, parts.uploads, files, place)
    return await to_thread.run_sync(work, limiter=parts.uploading)


def _take(parts: Deps, uploads: Uploads, files: Sequence[UploadFile], location_name: str) -> Uploaded:
    folder = uploads.folder()
    try:
        refused = _lay_down(files, folder, parts.settings.max_picture_bytes)
        taken = uploads.take(folder, location_name)
    except UserError as error:
        raise Refusal(409, error.message, error.hint) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    refused += [UploadRefused(filename=one.filename, reason=one.reason) for one in taken.refused]
    return Uploaded(
        location_name=location_name,
        imported=taken.imported,
        known=taken.known,
        removed=taken.removed,
        refused=refused,
    )


def _lay_down(files: Sequence[UploadFile], folder: Path, most_bytes: int) -> list[UploadRefused]:
    """Files into `folder`, under their own names as far as those can be trusted."""
    refused = []
    for file in files:
        name = safe_name(file.filename or "")
        if PurePosixPath(name).suffix.lower() not in SUFFIXES:
            refused.append(UploadRefused(filename=name, reason="not a picture by its name"))
        elif (file.size or 0) > most_bytes:
            refused.append(UploadRefused(filename=name, reason=f"larger than {most_bytes:,} bytes"))
        else:
            with _free(folder, name).open("xb") as kept:
                shutil.copyfileobj(file.file, kept)
    return refused


def safe_name(given: str) -> str:
    """The last part of a path of any system, without what does not print, not hidden, and short. Pure."""
    base = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(char for char in base if char.isprintable()).strip().lstrip(".")
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - no path: a name from outside
    while len(stem.encode()) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + suffix[:10]


def _free(folder: Path, name: str) -> Path:
    """Two cards may both hold an IMG_0001.JPG."""
    path, number = folder / name, 2
    while path.exists():
        path = folder / f"{Path(name).stem} ({number}){Path(name).suffix}"
        number += 1
    return path
