"""Many small JPEGs, each a file of its own: one picture, every time with another comment in it."""

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

A_FOLDER = 1_000
_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"
_MODEL, _WHEN, _SHUTTER = 0x0110, 0x0132, 0x829A


def jpeg(size: tuple[int, int]) -> bytes:
    """A slope from dark to light, with the EXIF of a camera."""
    exif = Image.Exif()
    exif[_MODEL], exif[_WHEN], exif[_SHUTTER] = "Bench 1", "2026:11:03 06:30:00", 0.01
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=60, exif=exif)
    return out.getvalue()


def marked(picture: bytes, mark: str) -> bytes:
    """The same picture with a comment segment. Raises ValueError for what is no JPEG."""
    if not picture.startswith(_START):
        raise ValueError("no JPEG")
    comment = mark.encode()
    return _START + _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment + picture[len(_START) :]


def write(sizes: Sequence[tuple[int, int]], count: int, into: Path) -> Path:
    """So many files in sub-folders of a thousand, of all `sizes` (width, height) in turn; `into` is made anew."""
    shutil.rmtree(into, ignore_errors=True)
    pictures = [jpeg(size) for size in sizes]
    for number in range(count):
        folder = into / f"card-{number // A_FOLDER:04}"
        if number % A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"IMG_{number % A_FOLDER:04}.JPG").write_bytes(marked(pictures[number % len(pictures)], str(number)))
    return into
