"""Hostile pictures, in a process of their own, on the way that pictures take: none ends the line."""

import io
import os
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest
from PIL import Image, PngImagePlugin

from processors.detector.alone import Alone
from processors.detector.backends.fixed import FixedDetector
from schemas.detection import ErrorClass
from tests.security.mutations import mutations
from tests.security.seeds import encoded, seeds
from thumper.errors import PictureError

SEED = 7
IN_THE_SUITE = 10_000
IN_THE_SOAK = int(os.environ.get("FUZZ", "1000000"))
GOOD = encoded("RGB", "JPEG")
# Looking at any picture must not take more: pictures come in dozens at once.
MEMORY_BYTES = 700_000_000
LIMIT_S = 60.0
SAID: frozenset[ErrorClass] = frozenset({"decode", "too_large", "unsupported"})


@pytest.fixture(scope="module")
def alone() -> Iterator[Alone]:
    found = Alone(FixedDetector, LIMIT_S, MEMORY_BYTES)
    yield found
    found.close()


def seen(alone: Alone, data: bytes) -> str:
    """What becomes of it: `seen`, or the class of its failure."""
    try:
        alone.look(data)
    except PictureError as error:
        return error.error_class if error.message.isprintable() else f"unprintable: {error.message!r}"
    return "seen"


def looked_at(alone: Alone, count: int, seed: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, data in mutations(seeds(), count, seed):
        outcome = seen(alone, data)
        # A crash is contained, and is a fault of a library all the same: whoever finds one shall hear of it.
        assert outcome in SAID | {"seen"}, f"{name} of seed {seed}: {outcome}"
        found[outcome] += 1
    return found


def test_ten_thousand_broken_files_are_told_apart(alone: Alone) -> None:
    found = looked_at(alone, IN_THE_SUITE, SEED)
    assert sum(found.values()) == IN_THE_SUITE
    assert min(found["seen"], found["decode"], found["too_large"]) > 0, found
    assert seen(alone, GOOD) == "seen", "and the same process goes on"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_broken_files(alone: Alone) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(looked_at(alone, IN_THE_SOAK, seed), "seed", seed)  # noqa: T201 - asked for by hand


def test_the_same_seed_makes_the_same_files() -> None:
    assert list(mutations(seeds(), 50, 3)) == list(mutations(seeds(), 50, 3))
    assert list(mutations(seeds(), 50, 3)) != list(mutations(seeds(), 50, 4))


# Bombs
LARGE_BYTES = 400_000_000


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


@lru_cache(maxsize=4)
def zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 1)


def jpeg_sized(width: int, height: int, **options: object) -> bytes:
    """A small JPEG that claims to be larger."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG", **options)
    data = bytearray(out.getvalue())
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff_sized(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "TIFF", compression="tiff_adobe_deflate")
    data = out.getvalue()
    for tag, side in ((256, width), (257, height)):
        at = next(found for kind in (3, 4) if (found := data.find(struct.pack("<HHI", tag, kind, 1))) > 0)
        data = data[:at] + struct.pack("<HHII", tag, 4, 1, side) + data[at + 12 :]
    return data


def many_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    for number in range(300):
        texts.add_text(f"t{number}", "x" * 1_000_000, zip=True)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=texts)
    return out.getvalue()


def many_frames(form: str, count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (number % 256, 0, 0)) for number in range(count)]
    frames[0].save(out, form, save_all=True, append_images=frames[1:])
    return out.getvalue()


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes a thousand times."""
    data = encoded("L", "JPEG", (64, 64), progressive=True)
    start, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
    return data[:end] + data[start:end] * 1_000 + data[end:]


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        pytest.param(
            lambda: png(65_535, 65_535, png_chunk(b"IDAT", zeros(1_000))), {"too_large"}, id="PNG of 4,295 Mpx"
        ),
        pytest.param(lambda: png(2**31 - 1, 1, png_chunk(b"IDAT", zeros(9))), {"too_large"}, id="PNG of one row"),
        pytest.param(lambda: png(0, 5, png_chunk(b"IDAT", zeros(9))), {"decode"}, id="PNG of no width"),
        pytest.param(
            lambda: png(9_999, 9_999, png_chunk(b"IDAT", zeros(300_000_000))), {"seen"}, id="PNG at the limit"
        ),
        pytest.param(
            lambda: png(8, 8, png_chunk(b"IDAT", zeros(LARGE_BYTES))), {"seen", "decode"}, id="PNG with more pixels"
        ),
        pytest.param(
            lambda: png(8, 8, png_chunk(b"iCCP", b"p\x00\x00" + zeros(LARGE_BYTES)), png_chunk(b"IDAT", zeros(200))),
            {"decode", "seen"},
            id="a colour profile of 400 MB",
        ),
        pytest.param(
            lambda: png(8, 8, png_chunk(b"zTXt", b"t\x00\x00" + zeros(LARGE_BYTES)), png_chunk(b"IDAT", zeros(200))),
            {"decode", "seen"},
            id="a text of 400 MB",
        ),
        pytest.param(many_texts, {"decode", "seen"}, id="many texts"),
        pytest.param(lambda: jpeg_sized(65_500, 65_500), {"too_large"}, id="JPEG of 4,290 Mpx"),
        pytest.param(
            lambda: jpeg_sized(14_000, 14_000), {"decode", "seen"}, id="JPEG below the limit without its pixels"
        ),
        pytest.param(
            lambda: jpeg_sized(14_000, 14_000, progressive=True),
            {"seen", "decode", "too_large"},
            id="the same, progressive",
        ),
        pytest.param(many_scans, {"seen", "decode"}, id="JPEG of a thousand scans"),
        pytest.param(lambda: tiff_sized(2**31 - 1, 2**31 - 1), {"too_large", "decode"}, id="TIFF of all pixels"),
        pytest.param(
            lambda: tiff_sized(10_000, 9_999), {"decode", "seen"}, id="TIFF below the limit without its pixels"
        ),
        pytest.param(lambda: many_frames("TIFF", 2_000), {"seen"}, id="TIFF of 2,000 pages"),
        pytest.param(lambda: many_frames("PNG", 2_000), {"seen"}, id="PNG of 2,000 frames"),
        pytest.param(lambda: many_frames("WEBP", 500), {"seen"}, id="WebP of 500 frames"),
        pytest.param(
            lambda: b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00", {"decode"}, id="TIFF that goes in circles"
        ),
    ],
)
def test_what_would_fill_memory_does_not(alone: Alone, make: Callable[[], bytes], wanted: set[str]) -> None:
    assert seen(alone, make()) in wanted
    assert seen(alone, GOOD) == "seen"
