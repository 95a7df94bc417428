"""Small pictures made on the spot, and events that speak of them."""

import hashlib
import io
from collections.abc import Sequence

from PIL import Image

from schemas.codec import encode
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from thumper.record import Partition, Record

RED = (255, 0, 0)
GREEN = (0, 255, 0)
Fill = tuple[tuple[int, int, int, int], tuple[int, int, int]]


def picture(
    size: tuple[int, int] = (640, 480), fills: Sequence[Fill] = (), form: str = "PNG", **options: object
) -> bytes:
    """A dark picture with filled rectangles (x1, y1, x2, y2 in pixels), encoded."""
    canvas = Image.new("RGB", size, (10, 10, 10))
    for corners, colour in fills:
        canvas.paste(colour, corners)
    out = io.BytesIO()
    canvas.save(out, form, **options)
    return out.getvalue()


def uri(data: bytes) -> str:
    """The address under which tests store `data`."""
    return f"store:///{hashlib.sha256(data).hexdigest()}"


def imported(data: bytes, offset: int = 0, partition: int = 0, **fields: object) -> Record:
    """A record of `images` for the picture in `data`."""
    told = {"sha256": hashlib.sha256(data).hexdigest(), "uri": uri(data), "size_bytes": len(data), **fields}
    event = ImageImported.model_validate(told)
    return Record(Partition("images", partition), offset, encode(event), event.key().encode(), timestamp_ms=1_000)


def requested(data: bytes, offset: int = 0, model_id: str | None = None) -> Record:
    """A record of `requests` for the picture in `data`."""
    event = ProcessingRequested(sha256=hashlib.sha256(data).hexdigest(), uri=uri(data), model_id=model_id)
    return Record(Partition("requests", 0), offset, encode(event), event.key().encode(), timestamp_ms=1_000)
