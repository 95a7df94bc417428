"""Pictures to start from: small ones of every kind that is read, made on the spot; real ones where they are present."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import piexif  # type: ignore[import-untyped]
import pillow_heif
from PIL import Image

from tests.processors.detector.shared_data import FOLDER

SIZE = (48, 36)
# Whole pictures of several megapixels would take the time of a hundred small ones.
MOST_REAL_BYTES = 60_000
REAL = ("*/*.JPG", "*/*.jpg", "*/*/*.JPG")


def seeds() -> list[tuple[str, bytes]]:
    """(name, bytes), always in the same order."""
    pillow_heif.register_heif_opener()
    return [*_made(), *_real()]


def _made() -> Iterator[tuple[str, bytes]]:
    for name, mode, form, options in _KINDS:
        yield name, encoded(mode, form, **options)
    # What hangs behind a picture: an archive and a script.
    yield "polyglot", encoded("RGB", "JPEG") + b"PK\x03\x04" + b"<script>alert(1)</script>" * 4


def _real() -> Iterator[tuple[str, bytes]]:
    """The heads of real pictures: their headers and EXIF blocks, maker notes included, and some picture."""
    found = sorted({path for pattern in REAL for path in FOLDER.glob(pattern)})
    for path in found[:12]:
        yield path.name, path.read_bytes()[:MOST_REAL_BYTES]


def encoded(mode: str, form: str, size: tuple[int, int] = SIZE, **options: Any) -> bytes:
    """A picture of noise in `mode`, written as `form`."""
    out = io.BytesIO()
    frames = options.pop("frames", 1)
    images = [_noise(size, seed).convert(mode) for seed in range(frames)]
    more: dict[str, Any] = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(out, form, **options, **more)
    return out.getvalue()


def _noise(size: tuple[int, int], seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


_EXIF = piexif.dump(
    {
        "0th": {piexif.ImageIFD.Make: b"RECONYX", piexif.ImageIFD.Orientation: 6},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2026:11:03 06:30:00", piexif.ExifIFD.MakerNote: b"\x01" * 40},
        "GPS": {1: b"N", 2: ((29, 1), (30, 1), (0, 1)), 3: b"W", 4: ((97, 1), (0, 1), (0, 1))},
    }
)
_KINDS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("jpeg", "RGB", "JPEG", {}),
    ("jpeg-exif", "RGB", "JPEG", {"exif": _EXIF}),
    ("jpeg-progressive", "RGB", "JPEG", {"progressive": True}),
    ("jpeg-cmyk", "CMYK", "JPEG", {}),
    ("jpeg-grey", "L", "JPEG", {"comment": b"trail camera"}),
    ("mpo", "RGB", "MPO", {"frames": 2}),
    ("png", "RGB", "PNG", {}),
    ("png-palette", "P", "PNG", {"transparency": 3}),
    ("png-grey", "LA", "PNG", {}),
    ("tiff-16-bit", "I;16", "TIFF", {}),
    ("png-alpha-exif", "RGBA", "PNG", {"exif": _EXIF}),
    ("apng", "RGB", "PNG", {"frames": 3}),
    ("webp", "RGB", "WEBP", {"exif": _EXIF}),
    ("webp-lossless", "RGBA", "WEBP", {"lossless": True}),
    ("webp-frames", "RGB", "WEBP", {"frames": 3}),
    ("tiff", "RGB", "TIFF", {}),
    ("tiff-lzw", "RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("tiff-deflate", "L", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ("tiff-jpeg", "RGB", "TIFF", {"compression": "jpeg"}),
    ("tiff-fax", "1", "TIFF", {"compression": "group4"}),
    ("tiff-pages", "RGB", "TIFF", {"frames": 3}),
    ("heic", "RGB", "HEIF", {}),
)
