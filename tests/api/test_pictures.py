"""api/pictures.py: boxes where they belong, small pictures small, and bad bytes refused."""

from io import BytesIO

import pytest
from PIL import Image

from api.pictures import Boxed, thumbnail, with_boxes
from thumper.errors import PictureError

GREY = (64, 64, 64)


def picture(size: tuple[int, int] = (800, 400), form: str = "JPEG", mode: str = "RGB", **saved: object) -> bytes:
    buffer = BytesIO()
    image = Image.new(mode, size, 64 * 256) if mode == "I;16" else Image.new("RGB", size, GREY).convert(mode)
    image.save(buffer, form, **saved)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    assert image.format == "JPEG"
    return image.convert("RGB")


def box(**corners: float) -> Boxed:
    return Boxed(class_id=2, class_name="raccoon", confidence=0.87, **corners)


def test_a_box_is_drawn_where_it_is() -> None:
    image = opened(with_boxes(picture(), [box(x1=0.25, y1=0.5, x2=0.75, y2=1.0)]))
    assert image.size == (800, 400)
    on_edge, inside, outside = (image.getpixel(at) for at in ((200, 350), (400, 300), (100, 300)))
    assert isinstance(on_edge, tuple)
    assert isinstance(inside, tuple)
    assert isinstance(outside, tuple)
    assert on_edge[0] > 150
    assert all(abs(value - 64) < 8 for value in (*inside, *outside))


def test_boxes_follow_the_upright_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    image = opened(with_boxes(picture(exif=exif), [box(x1=0.0, y1=0.9, x2=1.0, y2=1.0)]))
    assert image.size == (400, 800)
    edge = image.getpixel((200, 721))
    assert isinstance(edge, tuple)
    assert edge[0] > 150


@pytest.mark.parametrize(
    ("form", "mode"),
    [("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("TIFF", "1"), ("WEBP", "RGB")],
)
def test_every_kind_of_picture_has_a_thumbnail(form: str, mode: str) -> None:
    image = opened(thumbnail(picture((1_000, 500), form, mode)))
    assert image.size == (320, 160)
    middle = image.convert("L").getpixel((160, 80))
    assert mode == "1" or (isinstance(middle, int | float) and abs(middle - 64) < 10)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"a text called .jpg", id="text"),
        pytest.param(picture()[:200], id="cut off"),
        pytest.param(b"GIF89a" + picture(), id="a format that is not read"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        thumbnail(data)


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    header = picture((1, 1), "PNG")
    huge = header.replace((1).to_bytes(4, "big") * 2, (30_000).to_bytes(4, "big") * 2, 1)
    with pytest.raises(PictureError):
        thumbnail(huge)


@pytest.mark.parametrize("corners", [(0.5, 0.5, 0.5, 0.5), (0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)])
def test_boxes_at_the_edges_can_be_drawn(corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    odd = Boxed(0, "Ωραίο \n ελάφι", 0.5, x1, y1, x2, y2)
    assert with_boxes(picture((8, 8)), [odd])
