"""EXIF as a trail camera writes it."""

from datetime import datetime

import piexif  # type: ignore[import-untyped]
import pytest

from models.exif_stamp import TrailCamera, exif_bytes

AT = datetime(2025, 11, 2, 17, 41, 5)


def degrees(parts: tuple[tuple[int, int], ...]) -> float:
    whole, minutes, seconds = (top / bottom for top, bottom in parts)
    return whole + minutes / 60 + seconds / 3600


def test_time_camera_and_orientation() -> None:
    block = piexif.load(exif_bytes(TrailCamera("Make", "Model", "S1"), AT, night=True, orientation=6))
    assert block["Exif"][piexif.ExifIFD.DateTimeOriginal] == b"2025:11:02 17:41:05"
    assert block["Exif"][piexif.ExifIFD.BodySerialNumber] == b"S1"
    assert block["0th"][piexif.ImageIFD.Orientation] == 6
    assert piexif.ExifIFD.OffsetTimeOriginal not in block["Exif"]
    assert not block["GPS"]


@pytest.mark.parametrize("position", [(31.20417, -99.5), (-12.99999, 0.00003), (0.0, 179.5)])
def test_position_and_offset(position: tuple[float, float]) -> None:
    block = piexif.load(exif_bytes(TrailCamera("M", "N", "S", position, "-06:00"), AT, night=False))
    gps = block["GPS"]
    south, west = gps[piexif.GPSIFD.GPSLatitudeRef] == b"S", gps[piexif.GPSIFD.GPSLongitudeRef] == b"W"
    latitude, longitude = degrees(gps[piexif.GPSIFD.GPSLatitude]), degrees(gps[piexif.GPSIFD.GPSLongitude])
    assert (-latitude if south else latitude) == pytest.approx(position[0], abs=1e-5)
    assert (-longitude if west else longitude) == pytest.approx(position[1], abs=1e-5)
    assert block["Exif"][piexif.ExifIFD.OffsetTimeOriginal] == b"-06:00"
