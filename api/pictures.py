"""Pictures for people: boxes drawn, thumbnails; bytes in, JPEG bytes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image, ImageDraw, ImageFont, ImageOps

from thumper.errors import PictureError

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "HEIF")
MEDIA_TYPES = {"image/jpeg", "image/png", "image/tiff", "image/webp", "image/heic", "image/heif"}
# Trail cameras sell 48 to 64 megapixels; JPEGs are scaled while they are decoded, others are decoded whole.
MAX_JPEG_PIXELS = 178_000_000
MAX_PIXELS = 100_000_000
DRAWN_PX = 1_600
THUMBNAIL_PX = 320
COLOURS = ("#ffb000", "#648fff", "#dc267f", "#fe6100", "#785ef0", "#00c2a8")


@dataclass(frozen=True, slots=True)
class Boxed:
    """A detection: corners relative to the upright picture, in [0, 1]."""

    class_id: int
    class_name: str
    confidence: float
    x1: float
    y1: float
    x2: float
    y2: float


def thumbnail(data: bytes, side_px: int = THUMBNAIL_PX) -> bytes:
    """A JPEG of the upright picture, at most `side_px` wide and high. Raises PictureError (decode, too_large)."""
    return _jpeg(_upright(data, side_px), quality=80)


def with_boxes(data: bytes, boxes: Sequence[Boxed], side_px: int = DRAWN_PX) -> bytes:
    """A JPEG of the upright picture, at most `side_px` wide and high, with `boxes` on it. Raises PictureError."""
    image = _upright(data, side_px)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(12, image.width // 60))
    for box in reversed(boxes):  # the most confident on top
        _draw_box(draw, box, image.size, font)
    return _jpeg(image, quality=88)


def _upright(data: bytes, side_px: int) -> Image.Image:
    pillow_heif.register_heif_opener()
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _refuse_huge(image)
            image.draft("RGB", (side_px, side_px))
            upright = _colours(_turned(image))
        upright.thumbnail((side_px, side_px), Image.Resampling.BILINEAR)
    except PictureError:
        raise
    except Exception as error:
        # Decoders raise nearly anything on damaged data; it is the picture's fault whatever it is.
        raise PictureError("decode", f"the picture cannot be shown: {type(error).__name__}") from error
    return upright


def _turned(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF of any kind of damage: shown as it lies
        return image


def _colours(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow has no conversion that keeps its brightness
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGB")


def _refuse_huge(image: Image.Image) -> None:
    most = MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS
    if image.width * image.height > most:
        raise PictureError("too_large", f"the picture has {image.width} x {image.height} pixels, too many to show")


def _draw_box(
    draw: ImageDraw.ImageDraw,
    box: Boxed,
    size: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    width, height = size
    corners = (box.x1 * width, box.y1 * height, max(box.x1, box.x2) * width, max(box.y1, box.y2) * height)
    colour = COLOURS[box.class_id % len(COLOURS)]
    draw.rectangle(corners, outline=colour, width=max(2, width // 300))
    words = f"{box.class_name} {box.confidence:.2f}".encode("ascii", "replace").decode()
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    x, y = corners[0], max(0.0, corners[1] - (bottom - top) - 6)
    draw.rectangle((x, y, x + right - left + 6, y + bottom - top + 6), fill=colour)
    draw.text((x + 3 - left, y + 3 - top), words, fill="black", font=font)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    kept = BytesIO()
    image.save(kept, "JPEG", quality=quality)
    return kept.getvalue()
