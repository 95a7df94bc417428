"""Small real pictures, made on the spot."""

import io
from collections.abc import Mapping
from pathlib import Path

import piexif  # type: ignore[import-untyped]
from PIL import Image

DATA = Path(__file__).parents[3] / "shared" / "data"


def jpeg(shade: int = 0, exif: bytes | None = None, size: tuple[int, int] = (16, 12)) -> bytes:
    """A grey JPEG; another `shade` gives other bytes."""
    out = io.BytesIO()
    image = Image.new("RGB", size, (shade % 256, shade // 256 % 256, shade // 65_536))
    image.save(out, "JPEG", **({} if exif is None else {"exif": exif}))
    # Neighbouring shades may be quantised alike; a comment tells them apart.
    return out.getvalue() + shade.to_bytes(4, "big")


def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (16, 12), **options: object) -> bytes:
    """A picture of any format and mode that Pillow writes."""
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def exif(
    taken: str = "2024:02:06 21:33:34",
    main: Mapping[int, object] | None = None,
    inner: Mapping[int, object] | None = None,
    gps: Mapping[int, object] | None = None,
) -> bytes:
    """An EXIF block, written by another library than the one that reads it."""
    tags = {
        "0th": {piexif.ImageIFD.Make: b"RECONYX", piexif.ImageIFD.Model: b"HC500", **(main or {})},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: taken.encode(), **(inner or {})},
        "GPS": dict(gps or {}),
    }
    dumped: bytes = piexif.dump(tags)
    return dumped


def card(folder: Path, **locations: int) -> Path:
    """A card with so many different pictures in the folder of each location."""
    shade = 0
    for name, count in locations.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            shade += 1
            (folder / name / f"IMG_{number:04}.JPG").write_bytes(jpeg(shade))
    return folder
