"""Bytes of a picture to what it says of itself: capture time, camera, position, orientation. Pure; never guesses."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from producers.filename_time import time_in_name
from producers.header import read_header
from producers.maker_notes import trail_camera_fields
from producers.tiff_tags import Directory, Tags, read_tags
from schemas.image import Camera, CapturedAtSource, Position

# FAT's and most cameras' first year: what is earlier is a clock that was never set.
FIRST_YEAR = 1980
MAX_FIELD_CHARS = 200

_TIME = re.compile(
    r"(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})[ T]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_XMP_TIME = re.compile(rb"DateTimeOriginal\s*(?:=\s*[\"']|>)\s*([0-9TZ:.+-]{10,40})")

# Tags by the names that the EXIF standard (CIPA DC-008) gives them.
_TEXTS = {"ImageDescription": 0x010E, "Software": 0x0131}
_EXIF_TEXTS = {"UserComment": 0x9286, "ImageUniqueID": 0xA420}
_EXIF_NUMBERS = {
    "ExposureTime": 0x829A,
    "FNumber": 0x829D,
    "PhotographicSensitivity": 0x8827,
    "Flash": 0x9209,
    "FocalLength": 0x920A,
}
_CHARSETS = {b"ASCII\x00\x00\x00": "ascii", b"UNICODE\x00": "utf-16-le", b"JIS\x00\x00\x00\x00\x00": "shift_jis"}


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """at: the camera's own local time; utc_offset_minutes: where it says so; source: where that was found."""

    at: datetime
    utc_offset_minutes: int | None
    source: CapturedAtSource


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture says of itself. width_px and height_px as stored, before orientation (1 to 8) is applied."""

    media_type: str
    suffix: str
    width_px: int
    height_px: int
    orientation: int | None = None
    captured: CaptureTime | None = None
    camera: Camera | None = None
    position: Position | None = None
    exif: dict[str, str] = field(default_factory=dict)


def read_metadata(data: bytes, name: str) -> Metadata:
    """Read the header of `data`. name: the file's name, for a time stamp in it where EXIF has none.

    Broken EXIF is as good as none. Raises PictureError("decode") if `data` is no picture by its header.
    """
    header = read_header(data)
    tags = read_tags(header.exif)
    note = trail_camera_fields(_bytes(tags.exif, 0x927C))
    noted_at, noted_serial = note.pop("DateTimeOriginal", ""), note.pop("SerialNumber", "")
    return Metadata(
        header.media_type,
        header.suffix,
        header.width_px,
        header.height_px,
        orientation=_orientation(tags.main),
        captured=_exif_time(tags, noted_at, header.xmp) or _name_time(name),
        camera=_camera(tags, noted_serial),
        position=_position(tags.gps),
        exif=_fields(tags) | note,
    )


def parse_time(text: str) -> tuple[datetime, int | None] | None:
    """A time as cameras write it, with its offset in minutes if it has one; None if there is no such moment."""
    found = _TIME.match(text.strip())
    if found is None or int(found[1]) < FIRST_YEAR:
        return None
    try:
        at = datetime(*(int(part or 0) for part in found.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:
        return None
    return at, _offset_minutes(found[7] or "")


def _exif_time(tags: Tags, noted_at: str, xmp: bytes) -> CaptureTime | None:
    """The first that holds a moment: original, maker note, XMP, digitised. "Changed" is when software last wrote."""
    in_xmp = _XMP_TIME.search(xmp)
    for text, offset_tag in (
        (_text(_bytes(tags.exif, 0x9003)), 0x9011),
        (noted_at, 0x9011),
        (in_xmp[1].decode("ascii") if in_xmp else "", 0x9011),
        (_text(_bytes(tags.exif, 0x9004)), 0x9012),
    ):
        if (moment := parse_time(text)) is not None:
            at, offset = moment
            if offset is None:
                offset = _offset_minutes(_text(_bytes(tags.exif, offset_tag)))
            return CaptureTime(at, offset, "exif")
    return None


def _name_time(name: str) -> CaptureTime | None:
    at = time_in_name(name)
    return None if at is None else CaptureTime(at, None, "filename")


def _offset_minutes(text: str) -> int | None:
    if text == "Z":
        return 0
    found = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    minutes = 60 * int(found[2]) + int(found[3])
    return -minutes if found[1] == "-" else minutes


def _orientation(main: Directory) -> int | None:
    value = _number(main, 0x0112)
    return int(value) if value is not None and value in range(1, 9) else None


def _camera(tags: Tags, noted_serial: str) -> Camera | None:
    make, model = _text(_bytes(tags.main, 0x010F)), _text(_bytes(tags.main, 0x0110))
    serial = _text(_bytes(tags.exif, 0xA431)) or noted_serial
    if not (make or model or serial):
        return None
    return Camera(make=make or None, model=model or None, serial=serial or None)


def _position(gps: Directory) -> Position | None:
    latitude, longitude = _degrees(gps, 0x0002, 0x0001, b"S", 90), _degrees(gps, 0x0004, 0x0003, b"W", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:  # a receiver without a fix writes zeros
        return None
    altitude = _number(gps, 0x0006)
    if altitude is not None and _bytes(gps, 0x0005) == b"\x01":
        altitude = -altitude
    return Position(latitude=latitude, longitude=longitude, altitude_m=altitude)


def _degrees(gps: Directory, tag: int, sign_tag: int, negative: bytes, limit: int) -> float | None:
    value = gps.get(tag)
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    degrees = value[0] + value[1] / 60 + value[2] / 3600
    if not 0 <= degrees <= limit:  # also what is not a number
        return None
    return round(-degrees if _bytes(gps, sign_tag)[:1] == negative else degrees, 7)


def _fields(tags: Tags) -> dict[str, str]:
    texts = {name: _text(_bytes(tags.main, tag)) for name, tag in _TEXTS.items()}
    texts |= {name: _text(_bytes(tags.exif, tag), plain_only=True) for name, tag in _EXIF_TEXTS.items()}
    numbers = {name: _number(tags.exif, tag) for name, tag in _EXIF_NUMBERS.items()}
    texts |= {name: f"{value:g}" for name, value in numbers.items() if value is not None}
    return {name: value for name, value in texts.items() if value}


def _bytes(directory: Directory, tag: int) -> bytes:
    value = directory.get(tag, b"")
    return value if isinstance(value, bytes) else b""


def _number(directory: Directory, tag: int) -> float | None:
    value = directory.get(tag)
    return value[0] if isinstance(value, tuple) and math.isfinite(value[0]) else None


def _text(raw: bytes, *, plain_only: bool = False) -> str:
    """Up to the first NUL, trimmed, in one line. plain_only: nothing at all if it holds binary data."""
    charset = _CHARSETS.get(raw[:8])
    text = raw[8:].decode(charset, "replace") if charset else _decoded(raw.removeprefix(b"\x00" * 8))
    text = unicodedata.normalize("NFC", text.partition("\x00")[0].strip())
    if plain_only and not text.isprintable():
        return ""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:MAX_FIELD_CHARS]


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
