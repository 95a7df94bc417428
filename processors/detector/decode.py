"""A picture file's bytes to a frame: bounded, first frame only, scaled while the JPEG is decoded.

No global state is touched here, so that threads may decode at once; `prepare_process` sets what Pillow keeps globally.
"""

import io
import math
import warnings
from typing import cast

import numpy as np
import pillow_heif
from PIL import Image, UnidentifiedImageError

from processors.detector.formats import READ, foreign
from processors.detector.frame import Canvas, Frame, letterbox, paste
from thumper.errors import PictureError

# Trail cameras sell 48 to 64 megapixels. A JPEG of 200 is decoded to an eighth of its side; others are decoded whole,
# 100 megapixels being 300 MB.
MOST_PX_JPEG = 200_000_000
MOST_PX_OTHER = 100_000_000
MOST_WORDS = 300

ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def prepare_process() -> None:
    """Set up Pillow for this process: once, before any thread decodes. Again does no harm."""
    Image.init()
    pillow_heif.register_heif_opener()
    # decode() checks the header against caps of its own, which Pillow's single limit cannot express.
    Image.MAX_IMAGE_PIXELS = None
    # Pillow warns of odd EXIF and the like; a picture is either decoded or it fails, and both are recorded.
    warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(data: bytes, canvas: Canvas) -> Frame:
    """The first frame of the picture in `data`, upright (EXIF orientation applied), letterboxed on `canvas`.

    Raises PictureError: "unsupported" for a format that is not read, "too_large" beyond the caps, "decode" for
    anything that cannot be decoded whole.
    """
    try:
        with _open(data) as picture:
            return _frame(picture, canvas)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("too_large", "not enough memory to decode it") from None
    except Exception as error:  # Pillow's readers raise whatever the broken bytes lead them to.
        raise PictureError("decode", _words(error)) from None


def _open(data: bytes) -> Image.Image:
    if not data:
        raise PictureError("decode", "the file is empty (0 bytes)")
    name = foreign(data)
    if name is not None:
        raise PictureError("unsupported", f"{name} is not read; JPEG, PNG, WebP, TIFF and HEIC are")
    try:
        return Image.open(io.BytesIO(data), formats=READ)
    except UnidentifiedImageError:
        raise PictureError("decode", "not a picture: no JPEG, PNG, WebP, TIFF or HEIC header found") from None


def _frame(picture: Image.Image, canvas: Canvas) -> Frame:
    width, height = picture.size
    is_jpeg = picture.format in ("JPEG", "MPO")
    _check_size(width, height, MOST_PX_JPEG if is_jpeg else MOST_PX_OTHER)
    if is_jpeg:
        # At least the size needed, by powers of two, so that the rest of the way is a small resize.
        long_px = max(canvas.fixed or (canvas.input_px,))
        scale = min(1.0, long_px / max(width, height))
        picture.draft("RGB", (math.ceil(width * scale), math.ceil(height * scale)))
    picture.load()
    orientation = _orientation(picture)
    if orientation >= 5:
        width, height = height, width
    box = letterbox(width, height, canvas)
    inner = (box.inner_height, box.inner_width) if orientation >= 5 else (box.inner_width, box.inner_height)
    small = _as_rgb(picture).resize(inner, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if orientation in _UPRIGHT:
        small = small.transpose(_UPRIGHT[orientation])
    return paste(np.asarray(small, dtype=np.uint8), box)


def _check_size(width: int, height: int, most_px: int) -> None:
    if width < 1 or height < 1:
        raise PictureError("decode", f"the header says {width} x {height} pixels")
    if width * height > most_px:
        megapixels = width * height / 1e6
        raise PictureError("too_large", f"{width} x {height} is {megapixels:.0f} Mpx; the limit is {most_px / 1e6:.0f}")


def _orientation(picture: Image.Image) -> int:
    """1 to 8; 1 where the picture does not say, or says it in EXIF too broken to be read."""
    try:
        found = picture.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # Broken EXIF makes the parser raise almost anything, and is no reason to lose the picture.
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I"):
        return _from_16_bit(picture)
    if picture.mode == "P" and "transparency" in picture.info:
        return picture.convert("RGBA").convert("RGB")
    if picture.mode not in ("1", "L", "LA", "P", "PA", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr", "HSV"):
        raise PictureError("unsupported", f"colour mode {picture.mode} is not read")
    return picture.convert("RGB")


def _from_16_bit(picture: Image.Image) -> Image.Image:
    """Grey values of 16 (or 32) bits: the upper eight of sixteen are kept."""
    values = cast("np.ndarray[tuple[int, int], np.dtype[np.int64]]", np.asarray(picture).astype(np.int64))
    grey = (values.clip(0, 0xFFFF) >> 8).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(char for char in text if char.isprintable())[:MOST_WORDS]
