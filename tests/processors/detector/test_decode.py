"""Picture files to frames: every format, every orientation, and what is refused with which class and words."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from processors.detector.decode import ORIENTATION_TAG, decode, prepare_process
from processors.detector.frame import Canvas, Frame
from tests.processors.detector.pictures import RED, picture
from tests.processors.detector.shared_data import shared
from thumper.errors import PictureError

CANVAS = Canvas(320)
# Top left quarter red.
CORNER = [((0, 0, 400, 300), RED)]


@pytest.fixture(autouse=True)
def _prepared() -> None:
    prepare_process()


def error_of(data: bytes) -> tuple[str, str]:
    with pytest.raises(PictureError) as refusal:
        decode(data, CANVAS)
    return refusal.value.error_class, refusal.value.message


def red_share(frame: Frame, x: float, y: float) -> float:
    """Redness at a place relative to the picture."""
    box = frame.letterbox
    pixel = frame.pixels[box.top + int(y * box.inner_height), box.left + int(x * box.inner_width)]
    return float(pixel[0]) / 255 - float(pixel[1]) / 255


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_every_format_that_is_read(form: str) -> None:
    frame = decode(picture((800, 600), CORNER, form), CANVAS)
    assert frame.pixels.shape == (256, 320, 3)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous
    assert (frame.letterbox.source_width, frame.letterbox.source_height) == (800, 600)
    assert red_share(frame, 0.2, 0.2) > 0.8
    assert red_share(frame, 0.8, 0.8) < 0.2


# Where the red quarter of the picture as stored is after turning it upright.
UPRIGHT = {
    1: (0.2, 0.2),
    2: (0.8, 0.2),
    3: (0.8, 0.8),
    4: (0.2, 0.8),
    5: (0.2, 0.2),
    6: (0.8, 0.2),
    7: (0.8, 0.8),
    8: (0.2, 0.8),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    frame = decode(picture((800, 600), CORNER, form, exif=exif), CANVAS)
    upright = (600, 800) if orientation >= 5 else (800, 600)
    assert (frame.letterbox.source_width, frame.letterbox.source_height) == upright
    places = {(x, y): red_share(frame, x, y) > 0.5 for x in (0.2, 0.8) for y in (0.2, 0.8)}
    assert [place for place, is_red in places.items() if is_red] == [UPRIGHT[orientation]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_colour_mode(mode: str) -> None:
    image = Image.new("RGB", (64, 48), (200, 200, 200)).convert(mode)
    frame = decode(encoded(image, "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"), CANVAS)
    assert frame.pixels[100, 100].min() > 150


def test_16_bit_grey_keeps_its_brightness() -> None:
    values = np.full((48, 64), 0xC000, dtype=np.uint16)
    frame = decode(encoded(Image.fromarray(values), "PNG"), CANVAS)
    assert frame.pixels[100, 100].tolist() == [0xC0, 0xC0, 0xC0]


def test_a_palette_with_transparency_is_read_without_a_warning() -> None:
    image = Image.new("P", (64, 48), 3)
    image.putpalette([0, 0, 0] * 3 + [255, 0, 0])
    assert red_share(decode(encoded(image, "PNG", transparency=b"\x00\x80"), CANVAS), 0.5, 0.5) > 0.8


def test_of_several_frames_the_first_is_taken() -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    for form in ("PNG", "WEBP", "TIFF"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        assert red_share(decode(data, CANVAS), 0.5, 0.5) > 0.8


def test_broken_exif_is_no_reason_to_lose_a_picture() -> None:
    data = picture((64, 48), form="JPEG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert decode(data, CANVAS).letterbox.source_width == 64


def header_only_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def huge_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header says other than what follows."""
    data = bytearray(picture((64, 48), form="JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "error_class", "words"),
    [
        pytest.param(b"", "decode", "empty", id="0 bytes"),
        pytest.param(b"hello, I am a picture", "decode", "not a picture", id="text"),
        pytest.param(bytes(5000), "decode", "not a picture", id="zeros"),
        pytest.param(picture(form="JPEG")[:2000], "decode", "truncated", id="half a JPEG"),
        pytest.param(picture(form="PNG")[:500], "decode", "", id="half a PNG"),
        pytest.param(encoded(Image.new("L", (9, 9)), "GIF"), "unsupported", "GIF", id="GIF"),
        pytest.param(encoded(Image.new("L", (9, 9)), "BMP"), "unsupported", "BMP", id="BMP"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", "unsupported", "EPS", id="EPS"),
        pytest.param(b"8BPS\x00\x01", "unsupported", "PSD", id="PSD"),
        pytest.param(b"SIMPLE  =                    T", "unsupported", "FITS", id="FITS"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42", "unsupported", "MP4", id="video"),
        pytest.param(encoded(Image.new("F", (9, 9)), "TIFF"), "unsupported", "colour mode F", id="floats"),
        pytest.param(header_only_png(30_000, 30_000), "too_large", "900 Mpx; the limit is 100", id="PNG of 900 Mpx"),
        pytest.param(huge_jpeg(20_000, 12_000), "too_large", "240 Mpx; the limit is 200", id="JPEG of 240 Mpx"),
    ],
)
def test_what_is_refused(data: bytes, error_class: str, words: str) -> None:
    found_class, message = error_of(data)
    assert found_class == error_class
    assert words in message
    assert "BytesIO" not in message
    assert 0 < len(message) <= 300


def test_half_a_heic_is_refused() -> None:
    assert error_of(picture(form="HEIF")[:300])[0] == "decode"


def test_a_jpeg_within_the_cap_is_decoded_scaled() -> None:
    data = picture((9_000, 6_000), [((0, 0, 4_500, 3_000), RED)], form="JPEG")
    frame = decode(data, CANVAS)
    assert red_share(frame, 0.25, 0.25) > 0.8
    assert frame.letterbox.source_width == 9_000


def test_a_fixed_canvas() -> None:
    frame = decode(picture((800, 600), CORNER, "JPEG"), Canvas(640, (640, 640)))
    assert frame.bucket == (640, 640)


def test_threads_decode_the_same() -> None:
    data = [picture((800 + number, 600), CORNER, "JPEG") for number in range(4)] * 5
    alone = [decode(one, CANVAS).pixels for one in data]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: decode(one, CANVAS).pixels, data))
    assert all(np.array_equal(*pair) for pair in zip(alone, together, strict=True))


# What the notes of the shared folder's MANIFEST.tsv lead one to expect.
ODD_FAILURES = {
    "truncated_at_600kB.jpg": "decode",
    "truncated_jpeg.jpg": "decode",
    "zero_bytes.JPG": "decode",
    "text_renamed.jpg": "decode",
    "decompression_bomb.gif": "unsupported",
    "animated.gif": "unsupported",
    "bomb_30000x30000_1bit.png": "too_large",
}


def test_every_odd_file_gets_the_expected_outcome() -> None:
    folder = shared("odd")
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        try:
            decode(path.read_bytes(), CANVAS)
        except PictureError as error:
            found[path.name] = error.error_class
    assert found == ODD_FAILURES
    assert len(list(folder.iterdir())) == 25


def test_the_odd_file_that_lies_on_its_side_is_turned() -> None:
    frame = decode(shared("odd/exif_orientation.jpg").read_bytes(), CANVAS)
    assert (frame.letterbox.source_width, frame.letterbox.source_height) == (2048, 1536)
