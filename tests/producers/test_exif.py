"""What pictures say of themselves: real ones, made ones, broken ones, hostile ones."""

import csv
import io
import struct
from contextlib import suppress
from datetime import datetime

import piexif  # type: ignore[import-untyped]
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from producers.exif import Metadata, parse_time, read_metadata
from schemas.image import Camera, Position
from tests.producers.pictures import DATA, encoded, exif, jpeg
from thumper.errors import PictureError


def read(data: bytes, name: str = "IMG_0001.JPG") -> Metadata:
    return read_metadata(data, name)


class TestTime:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("2024:02:06 21:33:34", (datetime(2024, 2, 6, 21, 33, 34), None), id="as EXIF has it"),
            pytest.param("2024-02-06 21:33:34", (datetime(2024, 2, 6, 21, 33, 34), None), id="dashes"),
            pytest.param("2024:02:06 21:33", (datetime(2024, 2, 6, 21, 33), None), id="no seconds"),
            pytest.param("2024:02:06 21:33:34.25", (datetime(2024, 2, 6, 21, 33, 34), None), id="parts of seconds"),
            pytest.param("2024-02-06T21:33:34+05:30", (datetime(2024, 2, 6, 21, 33, 34), 330), id="with offset"),
            pytest.param("2024-02-06T21:33:34Z", (datetime(2024, 2, 6, 21, 33, 34), 0), id="in UTC"),
            pytest.param("2099:12:31 23:59:59", (datetime(2099, 12, 31, 23, 59, 59), None), id="a clock set wrong"),
            pytest.param("0000:00:00 00:00:00", None, id="year 0000"),
            pytest.param("1970:01:01 00:00:00", None, id="a clock never set"),
            pytest.param("2024:13:45 21:33:34", None, id="no such day"),
            pytest.param("2024:02:06 24:61:00", None, id="no such time"),
            pytest.param("    :  :     :  :  ", None, id="blank"),
            pytest.param("yesterday", None, id="words"),
            pytest.param("", None, id="nothing"),
        ],
    )
    def test_as_cameras_write_it(self, text: str, expected: object) -> None:
        assert parse_time(text) == expected

    def test_local_time_is_kept_and_offset_apart(self) -> None:
        captured = read(jpeg(1, exif(inner={0x9011: b"-06:00"}))).captured
        assert captured is not None
        assert (captured.at, captured.utc_offset_minutes) == (datetime(2024, 2, 6, 21, 33, 34), -360)

    def test_exif_before_name(self) -> None:
        captured = read(jpeg(1, exif()), "IMG_20200101_000000.jpg").captured
        assert captured is not None
        assert captured.source == "exif"

    def test_name_where_exif_has_no_moment(self) -> None:
        captured = read(jpeg(1, exif(taken="0000:00:00 00:00:00")), "IMG_20200101_000000.jpg").captured
        assert captured is not None
        assert (captured.source, captured.at) == ("filename", datetime(2020, 1, 1))

    def test_neither(self) -> None:
        assert read(jpeg(1, exif(taken="0000:00:00 00:00:00"))).captured is None
        assert read(jpeg(1)).captured is None

    def test_digitised_where_original_is_missing(self) -> None:
        data = jpeg(1, exif(taken="", inner={piexif.ExifIFD.DateTimeDigitized: b"2023:01:02 03:04:05"}))
        captured = read(data).captured
        assert captured is not None
        assert captured.at == datetime(2023, 1, 2, 3, 4, 5)

    def test_time_of_change_is_no_capture_time(self) -> None:
        assert read(jpeg(1, exif(taken="", main={piexif.ImageIFD.DateTime: b"2023:01:02 03:04:05"}))).captured is None


class TestFields:
    def test_camera(self) -> None:
        camera = read(jpeg(1, exif(inner={piexif.ExifIFD.BodySerialNumber: b"H1 \x00\x00"}))).camera
        assert camera == Camera(make="RECONYX", model="HC500", serial="H1")
        assert read(jpeg(1)).camera is None

    @pytest.mark.parametrize("value", range(1, 9))
    def test_orientation(self, value: int) -> None:
        assert read(jpeg(1, exif(main={piexif.ImageIFD.Orientation: value}))).orientation == value

    @pytest.mark.parametrize("value", [0, 9, 65_535])
    def test_orientation_that_means_nothing(self, value: int) -> None:
        assert read(jpeg(1, exif(main={piexif.ImageIFD.Orientation: value}))).orientation is None

    def test_position(self) -> None:
        gps = {1: b"S", 2: ((30, 1), (15, 1), (36, 1)), 3: b"W", 4: ((97, 1), (30, 1), (0, 1)), 5: 1, 6: (125, 10)}
        assert read(jpeg(1, exif(gps=gps))).position == Position(latitude=-30.26, longitude=-97.5, altitude_m=-12.5)

    @pytest.mark.parametrize(
        "gps",
        [
            pytest.param({1: b"N", 2: ((0, 1),) * 3, 3: b"E", 4: ((0, 1),) * 3}, id="no fix: zeros"),
            pytest.param({1: b"N", 2: ((95, 1), (0, 1), (0, 1)), 3: b"E", 4: ((1, 1),) * 3}, id="beyond the pole"),
            pytest.param({1: b"N", 2: ((1, 0), (0, 1), (0, 1)), 3: b"E", 4: ((1, 1),) * 3}, id="divided by zero"),
            pytest.param({1: b"N", 2: ((1, 1),) * 3}, id="half"),
        ],
    )
    def test_position_that_is_none(self, gps: dict[int, object]) -> None:
        assert read(jpeg(1, exif(gps=gps))).position is None

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            pytest.param(b"ASCII\x00\x00\x00deer at dusk", "deer at dusk", id="marked ASCII"),
            pytest.param(b"UNICODE\x00" + "Rehe".encode("utf-16-le"), "Rehe", id="marked Unicode"),
            pytest.param(b"\x00" * 8 + b"plain", "plain", id="unmarked"),
            pytest.param(b"$CoMmEnt\x14@\x01\x02", None, id="binary data"),
            pytest.param(b"\x00" * 64, None, id="zeros"),
        ],
    )
    def test_comment(self, raw: bytes, expected: str | None) -> None:
        found = read(jpeg(1, exif(inner={piexif.ExifIFD.UserComment: raw}))).exif
        assert found.get("UserComment") == expected

    def test_texts_are_short_single_lines(self) -> None:
        data = jpeg(1, exif(main={piexif.ImageIFD.ImageDescription: b"a\r\n\x1b[31mb\x07" + b"x" * 500}))
        text = read(data).exif["ImageDescription"]
        assert text.startswith("a [31mb x")
        assert text.isprintable()
        assert len(text) == 200

    def test_every_field_fits_its_event(self) -> None:
        found = read(jpeg(1, exif(inner={piexif.ExifIFD.ExposureTime: (1, 125), 0x8827: 400}))).exif
        assert found == {"ExposureTime": "0.008", "PhotographicSensitivity": "400"}


class TestKinds:
    @pytest.mark.parametrize(
        ("data", "media_type", "suffix"),
        [
            pytest.param(encoded("JPEG", "CMYK"), "image/jpeg", ".jpg", id="CMYK JPEG"),
            pytest.param(encoded("PNG", "I;16"), "image/png", ".png", id="16-bit PNG"),
            pytest.param(encoded("TIFF", "I;16"), "image/tiff", ".tif", id="16-bit TIFF"),
            pytest.param(encoded("WEBP"), "image/webp", ".webp", id="WebP"),
        ],
    )
    def test_by_content(self, data: bytes, media_type: str, suffix: str) -> None:
        found = read(data, "whatever.jpg")
        assert (found.media_type, found.suffix, found.width_px, found.height_px) == (media_type, suffix, 16, 12)

    def test_heic(self) -> None:
        buffer = io.BytesIO()
        pillow_heif.from_pillow(Image.new("RGB", (64, 48))).save(buffer, exif=exif())
        found = read(buffer.getvalue())
        assert (found.media_type, found.width_px, found.height_px) == ("image/heic", 64, 48)
        assert found.captured is not None

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param(b"", "empty", id="0 bytes"),
            pytest.param(b"hello ranch\n", "it is text", id="text"),
            pytest.param("Привет".encode(), "it is text", id="text in another script"),
            pytest.param(b"GIF89a" + bytes(30), "it is GIF", id="GIF"),
            pytest.param(b"%PDF-1.7\n%\xe2\xe3", "it is PDF", id="PDF"),
            pytest.param(bytes(4_000), "no JPEG", id="zeros"),
            pytest.param(b"\xff\xd8\xff", "header is broken", id="three bytes of a JPEG"),
            pytest.param(jpeg(1)[:40], "header is broken", id="a JPEG cut in its header"),
            pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(20), "header is broken", id="PNG's first bytes only"),
            pytest.param(b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(8), "header is broken", id="WebP's first bytes only"),
            pytest.param(b"\x00\x00\x00\x18ftypheic" + bytes(40), "header is broken", id="HEIC's first bytes only"),
            pytest.param(b"II*\x00\xff\xff\xff\xff" + bytes(8), "header is broken", id="TIFF that points nowhere"),
        ],
    )
    def test_no_picture(self, data: bytes, reason: str) -> None:
        with pytest.raises(PictureError, match=reason):
            read(data)

    def test_a_truncated_picture_is_one_by_its_header(self) -> None:
        whole = encoded("JPEG", size=(400, 300))
        assert read(whole[: len(whole) // 2]).width_px == 400

    def test_a_bomb_is_only_looked_at(self) -> None:
        found = read(encoded("PNG", "1", size=(30_000, 30_000)))
        assert (found.width_px, found.height_px) == (30_000, 30_000)

    def test_animation(self) -> None:
        frames = [Image.new("RGB", (16, 12), shade) for shade in ("red", "blue")]
        assert read(encoded("PNG", save_all=True, append_images=frames)).media_type == "image/png"


class TestBroken:
    @given(st.binary(max_size=300))
    def test_any_exif_block(self, block: bytes) -> None:
        segment = b"Exif\x00\x00" + block
        start = jpeg(1)
        read(start[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + start[2:])

    @given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12))
    def test_real_exif_with_bytes_changed(self, changes: list[tuple[int, int]]) -> None:
        block = bytearray(exif(main={piexif.ImageIFD.Orientation: 6}, gps={1: b"N", 2: ((1, 1),) * 3}))
        for at, value in changes:
            if 6 < at < len(block):
                block[at] = value
        read(jpeg(1, bytes(block)))

    @given(st.binary(max_size=400))
    def test_any_bytes(self, data: bytes) -> None:
        for start in (b"", b"\xff\xd8\xff", b"II*\x00", b"\x89PNG\r\n\x1a\n", b"RIFF", b"\x00\x00\x00\x18ftypheic"):
            with suppress(PictureError):
                read(start + data)

    def test_counts_that_claim_gigabytes(self) -> None:
        entries = [struct.pack("<HHII", 0x010F, kind, 0xFFFFFFFF, 8) for kind in range(14)]
        block = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
        assert read(jpeg(1, b"Exif\x00\x00" + block)).camera is None

    def test_directories_that_point_at_themselves(self) -> None:
        entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
        block = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 1) + entry + struct.pack("<I", 8)
        assert read(jpeg(1, b"Exif\x00\x00" + block)).captured is None


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not here")
class TestRealPictures:
    """The shared pictures say what their manifest says; its odd files say what its notes lead one to expect."""

    ROWS = (
        list(csv.DictReader((DATA / "MANIFEST.tsv").read_text("utf-8").splitlines(), delimiter="\t"))
        if DATA.is_dir()
        else []
    )
    NO_PICTURE = {  # noqa: RUF012
        "odd/zero_bytes.JPG": "empty",
        "odd/text_renamed.jpg": "text",
        "odd/decompression_bomb.gif": "GIF",
        "odd/animated.gif": "GIF",
    }
    NO_TIME = {"odd/exif_date_zeros.jpg"}  # noqa: RUF012 - the manifest quotes the year 0000

    @pytest.mark.parametrize(
        "row",
        [row for row in ROWS if not row["path"].startswith("weights/")],
        ids=lambda row: row["path"],
    )
    def test_as_the_manifest_says(self, row: dict[str, str]) -> None:
        path = DATA / row["path"]
        if (reason := self.NO_PICTURE.get(row["path"])) is not None:
            with pytest.raises(PictureError, match=reason):
                read_metadata(path.read_bytes(), path.name)
            return
        found = read_metadata(path.read_bytes(), path.name)
        assert (str(found.width_px), str(found.height_px)) == (row["width"], row["height"])
        if row["datetime_original"] == "-" or row["path"] in self.NO_TIME:
            assert found.captured is None
        else:
            assert found.captured is not None
            assert row["datetime_original"].startswith(found.captured.at.strftime("%Y:%m:%d %H:%M:%S"))
            assert found.captured.source == "exif"
        if row["camera_model"] != "-" and not row["path"].startswith("odd/"):
            assert found.camera is not None
            assert found.camera.model == row["camera_model"]

    def test_time_from_xmp_has_its_offset(self) -> None:
        found = read_metadata((DATA / "odd/exif_typeerror.jpg").read_bytes(), "x.jpg").captured
        assert found is not None
        assert found.utc_offset_minutes == 120

    def test_trail_camera_fields(self) -> None:
        hyperfire = read_metadata((DATA / "animl_py_buow/IMG_0708.JPG").read_bytes(), "x.jpg")
        assert hyperfire.camera == Camera(make="RECONYX", model="PC900 PROFESSIONAL", serial="P900FF03149458")
        assert hyperfire.exif["Sequence"] == "3 of 3"
        assert hyperfire.exif["AmbientTemperature_C"] == "28"
        assert hyperfire.exif["TriggerMode"] == "motion"
        second = read_metadata((DATA / "animl_py_buow/RCNX0242.JPG").read_bytes(), "x.jpg")
        assert second.camera is not None
        assert second.camera.serial == "HLPXEL09018058"
        assert second.exif["AmbientTemperature_C"] == "29"

    def test_orientation_and_position(self) -> None:
        assert read_metadata((DATA / "odd/hopper_orientation_6.jpg").read_bytes(), "x").orientation == 6
        position = read_metadata((DATA / "odd/exif_date_future_gps.jpg").read_bytes(), "x").position
        assert position is not None
        assert (round(position.latitude, 4), round(position.longitude, 4)) == (30.2672, -97.7431)
