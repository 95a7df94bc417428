"""Which kind of picture some bytes are, by their header alone: nothing is decoded, however large it claims to be."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pillow_heif
from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from thumper.errors import PictureError

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_OTHERS = {b"GIF8": "GIF", b"BM": "BMP", b"%PDF": "PDF", b"\x00\x00\x00\x0cjP": "JPEG 2000", b"PK": "ZIP"}


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says. exif: an EXIF block, for TIFF the file itself; xmp: the XMP packet; both may be empty."""

    media_type: str
    suffix: str
    width_px: int
    height_px: int
    exif: bytes = b""
    xmp: bytes = b""


def read_header(data: bytes) -> Header:
    """Identify `data` by its first bytes, not by any name.

    Raises PictureError("decode") that says what it is instead.
    """
    if not data:
        raise PictureError("decode", "the file is empty (0 bytes)")
    kind = _kind(data)
    if kind is None:
        raise PictureError("decode", f"not a picture: {_what_else(data)}")
    media_type, suffix, read = kind
    try:
        return read(data, media_type, suffix)
    except Exception as error:  # parsers meet hostile bytes here: whatever they raise, it is this file's fault
        raise PictureError("decode", f"its {media_type} header is broken ({type(error).__name__})") from None


_Reader = Callable[[bytes, str, str], Header]


def _kind(data: bytes) -> tuple[str, str, _Reader] | None:
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg", ".jpg", _jpeg
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png", ".png", _png
    if data[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return "image/tiff", ".tif", _tiff
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", ".webp", _webp
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "image/heic", ".heic", _heif
    return None


def _jpeg(data: bytes, media_type: str, suffix: str) -> Header:
    # The class itself: Pillow's own opening would look for further frames, and complain where they are broken.
    return _pillow(JpegImagePlugin.JpegImageFile(io.BytesIO(data)), media_type, suffix)


def _png(data: bytes, media_type: str, suffix: str) -> Header:
    return _pillow(PngImagePlugin.PngImageFile(io.BytesIO(data)), media_type, suffix)


def _webp(data: bytes, media_type: str, suffix: str) -> Header:
    return _pillow(WebPImagePlugin.WebPImageFile(io.BytesIO(data)), media_type, suffix)


def _tiff(data: bytes, media_type: str, suffix: str) -> Header:
    width, height = TiffImagePlugin.TiffImageFile(io.BytesIO(data)).size
    return Header(media_type, suffix, width, height, exif=data)


def _heif(data: bytes, media_type: str, suffix: str) -> Header:
    opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    width, height = opened.size
    return Header(media_type, suffix, width, height, _bytes(opened.info.get("exif")), _bytes(opened.info.get("xmp")))


def _pillow(opened: ImageFile, media_type: str, suffix: str) -> Header:
    width, height = opened.size
    exif, xmp = _bytes(opened.info.get("exif")), _bytes(opened.info.get("xmp"))
    return Header(media_type, suffix, width, height, exif, xmp)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _what_else(data: bytes) -> str:
    for start, name in _OTHERS.items():
        if data.startswith(start):
            return f"it is {name}; JPEG, PNG, TIFF, WebP and HEIC are read"
    head = data[:512]
    try:
        text = head.decode("utf-8", "strict" if len(data) <= len(head) else "ignore")
    except UnicodeDecodeError:
        text = "\x00"
    if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        return "it is text"
    return "its bytes are no JPEG, PNG, TIFF, WebP or HEIC"
