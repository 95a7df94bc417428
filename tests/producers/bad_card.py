"""A card with everything on it that a card can have wrong, and what each file should get."""

import io
import os
from pathlib import Path

from PIL import Image

from tests.producers.pictures import card, encoded, exif, jpeg

# By name: why the import leaves it out.
REFUSED = {
    "empty.jpg": "the file is empty (0 bytes)",
    "letter.jpg": "not a picture: it is text",
    "moving.jpg": "not a picture: it is GIF; JPEG, PNG, TIFF, WebP and HEIC are read",
    "closed.jpg": "no rights to read it",
    "loop.jpg": "cannot be looked at: Too many levels of symbolic links",
    "nowhere.jpg": "a link to nothing",
    "Closed": "the folder cannot be read: Permission denied",
}
# By path: class and words of the outcome of what is imported, None where it is looked at like any other.
OUTCOMES: dict[str, tuple[str, str] | None] = {
    "Hayfield/IMG_0000.JPG": None,
    "Hayfield/cmyk.jpg": None,
    "Hayfield/deep.png": None,
    "Hayfield/moving.png": None,
    "Hayfield/broken_exif.jpg": None,
    "Hayfield/year_0.jpg": None,
    "Hayfield/a\\x0ab.jpg": None,
    "\\xffcam\\x0a/\\xff\\xfe.jpg": None,
    "Hayfield/half.jpg": ("decode", "truncated"),
    "Hayfield/bomb.png": ("too_large", "30000 x 30000 is 900 Mpx; the limit is 100"),
}


def bad_card(folder: Path) -> Path:
    """Write it. Two of its files and one of its folders may be read by nobody but root: see `opened`."""
    hayfield = card(folder, Hayfield=1) / "Hayfield"
    for name, data in _files().items():
        (hayfield / name).write_bytes(data)
    (hayfield / "loop.jpg").symlink_to("loop.jpg")
    (hayfield / "nowhere.jpg").symlink_to("gone.jpg")
    (hayfield / "round and round").symlink_to(folder)
    (folder / "Nothing").mkdir()
    _write_no_utf8(os.fsencode(folder))
    (folder / "Closed").mkdir()
    (folder / "Closed" / "b.jpg").write_bytes(jpeg(91))
    for path in (hayfield / "closed.jpg", folder / "Closed"):
        path.chmod(0)
    return folder


def opened(folder: Path) -> None:
    """Give the rights back, so that it can be removed."""
    (folder / "Closed").chmod(0o700)


def _files() -> dict[str, bytes]:
    frames = [Image.new("RGB", (64, 48), shade) for shade in ("red", "blue")]
    whole = encoded("JPEG", size=(400, 300))
    return {
        "empty.jpg": b"",
        "letter.jpg": b"Dear ranch, no picture here.\n",
        "notes.txt": b"nothing",
        "moving.jpg": _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "moving.png": _encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "closed.jpg": jpeg(90),
        "half.jpg": whole[: len(whole) // 2],
        "bomb.png": encoded("PNG", "1", (30_000, 30_000)),
        "cmyk.jpg": encoded("JPEG", "CMYK", (64, 48)),
        "deep.png": encoded("PNG", "I;16", (64, 48)),
        "broken_exif.jpg": jpeg(92, b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff"),
        "year_0.jpg": jpeg(93, exif(taken="0000:00:00 00:00:00")),
        "a\nb.jpg": jpeg(94),
    }


def _write_no_utf8(folder: bytes) -> None:
    os.mkdir(folder + b"/\xffcam\n")  # noqa: PTH102 - a name that is not UTF-8
    with open(folder + b"/\xffcam\n/\xff\xfe.jpg", "wb") as file:  # noqa: PTH123
        file.write(jpeg(95))


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
