"""Names from cards as people and tables can hold them: no control signs, valid UTF-8, one spelling."""

import os
import re
import unicodedata

MAX_NAME_CHARS = 200
MAX_PATH_CHARS = 4_096
# Signs that would change the line they are printed on: controls, half characters, line ends, direction overrides.
_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
_DIRECTION = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Folders that cameras make on their cards (the DCF standard): they say nothing about the place.
_CAMERA_FOLDER = re.compile(rb"DCIM|[1-9][0-9]{2}[A-Z0-9_]{5}", re.IGNORECASE)


def display(name: bytes) -> str:
    """`name` as text for people, events and tables: NFC; what is not UTF-8 or not printable is escaped."""
    text = unicodedata.normalize("NFC", name.decode("utf-8", "surrogateescape"))
    return text if text.isprintable() else "".join(_escaped(sign) for sign in text)


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters: its end, which tells pictures apart, is kept."""
    return text if len(text) <= limit else "…" + text[-(limit - 1) :]


def location_name(folder: bytes) -> str:
    """The location that a folder's name stands for."""
    name = display(folder).strip() or "unnamed"
    return name[:MAX_NAME_CHARS]


def place_path(parts: bytes) -> str:
    """The path that a picture is remembered by, from the location's folder on."""
    return shortened(display(parts), MAX_PATH_CHARS)


def is_camera_folder(name: bytes) -> bool:
    """Whether cameras make folders of this name (`DCIM`, `100RECNX`), so that it is no location."""
    return _CAMERA_FOLDER.fullmatch(name) is not None


def folder_name(folder: bytes) -> bytes:
    """The last part of a folder's full path; `/` has none and is called `root`."""
    return os.path.basename(os.path.abspath(folder)) or b"root"  # noqa: PTH100, PTH119 - bytes, which Path refuses


def _escaped(sign: str) -> str:
    if 0xDC80 <= ord(sign) <= 0xDCFF:
        return f"\\x{ord(sign) - 0xDC00:02x}"
    if sign in _DIRECTION or unicodedata.category(sign) in _UNSEEN:
        return f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}"
    return sign
