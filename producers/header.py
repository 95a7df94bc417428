"""Which kind of picture some bytes are, by their header alone: nothing is decoded, however large it claims to be.

JPEG, PNG and TIFF are walked here, in bounded steps: Pillow's own opening also reads EXIF (ten times as long), looks
for further frames, and complains in warnings.
"""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pillow_heif
from PIL import WebPImagePlugin

from producers.tiff_tags import read_tags
from thumper.errors import PictureError

# A real picture has some 20 segments or chunks before its data.
MAX_PARTS = 2_000

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_OTHERS = {b"GIF8": "GIF", b"BM": "BMP", b"%PDF": "PDF", b"\x00\x00\x00\x0cjP": "JPEG 2000", b"PK": "ZIP"}
_FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE_MARKERS = {0x00, 0x01, *range(0xD0, 0xD9)}
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_WIDTH_TAG, _HEIGHT_TAG = 256, 257


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says. exif: an EXIF block, for TIFF the file itself; xmp: the XMP packet; both may be empty."""

    media_type: str
    suffix: str
    width_px: int
    height_px: int
    exif: bytes = b""
    xmp: bytes = b""


_Parsed = tuple[int, int, bytes, bytes]
_Parser = Callable[[bytes], _Parsed]


def read_header(data: bytes) -> Header:
    """Identify `data` by its first bytes, not by any name.

    Raises PictureError("decode") that says what it is instead.
    """
    if not data:
        raise PictureError("decode", "the file is empty (0 bytes)")
    kind = _kind(data)
    if kind is None:
        raise PictureError("decode", f"not a picture: {_what_else(data)}")
    media_type, suffix, parse = kind
    try:
        width, height, exif, xmp = parse(data)
    except Exception:  # parsers meet hostile bytes here: whatever they raise, it is this file's fault
        width = height = 0
    if not (width and height):
        raise PictureError("decode", f"its {media_type} header is broken") from None
    return Header(media_type, suffix, width, height, exif, xmp)


def _kind(data: bytes) -> tuple[str, str, _Parser] | None:
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg", ".jpg", _jpeg
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png", ".png", _png
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return "image/tiff", ".tif", _tiff
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", ".webp", _webp
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "image/heic", ".heic", _heif
    return None


def _jpeg(data: bytes) -> _Parsed:
    exif = xmp = b""
    for marker, body in _segments(data):
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", body, 1)
            return width, height, exif, xmp
        if marker == _APP1 and body.startswith(_EXIF):
            exif += body[len(_EXIF) :]  # a long block is split over several segments
        elif marker == _APP1 and body.startswith(_XMP):
            xmp = body[len(_XMP) :]
    return 0, 0, b"", b""


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment before the picture's data; junk between them is skipped."""
    at = 2
    for _ in range(MAX_PARTS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _LONE_MARKERS:
            at += 2
        elif marker in (_SCAN, _END):
            return
        else:
            after = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            yield marker, data[at + 4 : after]
            at = after


def _png(data: bytes) -> _Parsed:
    width, height, exif = 0, 0, b""
    at = 8
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            break
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"IHDR" and at == 8:
            width, height = struct.unpack_from(">II", data, at + 8)
        elif name == b"eXIf":
            exif = data[at + 8 : at + 8 + size]
        at += 12 + size
    return width, height, exif, b""


def _tiff(data: bytes) -> _Parsed:
    main = read_tags(data).main
    return int(main[_WIDTH_TAG][0]), int(main[_HEIGHT_TAG][0]), data, b""


def _webp(data: bytes) -> _Parsed:
    opened = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    return *opened.size, _bytes(opened.info.get("exif")), _bytes(opened.info.get("xmp"))


def _heif(data: bytes) -> _Parsed:
    opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    return *opened.size, _bytes(opened.info.get("exif")), _bytes(opened.info.get("xmp"))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _what_else(data: bytes) -> str:
    for start, name in _OTHERS.items():
        if data.startswith(start):
            return f"it is {name}; JPEG, PNG, TIFF, WebP and HEIC are read"
    text = data[:512].decode("utf-8", "ignore" if len(data) > 512 else "replace")
    plain = "".join(text.split())
    if plain.isprintable() and "\ufffd" not in plain and len(plain.encode()) > len(data[:512]) // 2:
        return "it is text"
    return "its bytes are no JPEG, PNG, TIFF, WebP or HEIC"
