"""The EXIF block that a trail camera writes into its pictures."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import piexif  # type: ignore[import-untyped]

#: How the stored pixels have to be turned to stand upright, by what was done to them.
UPRIGHT: Final = 1


@dataclass(frozen=True)
class TrailCamera:
    """A camera; `position` is (latitude, longitude) in degrees where it has GPS, `utc_offset` such as "-06:00"."""

    make: str
    model: str
    serial: str
    position: tuple[float, float] | None = None
    utc_offset: str | None = None


def exif_bytes(camera: TrailCamera, at: datetime, night: bool, orientation: int = UPRIGHT) -> bytes:
    """EXIF for a picture that `camera` took at its own local time `at`."""
    text = at.strftime("%Y:%m:%d %H:%M:%S").encode()
    main = {
        piexif.ImageIFD.Make: camera.make.encode(),
        piexif.ImageIFD.Model: camera.model.encode(),
        piexif.ImageIFD.Software: b"drawn by thumper",
        piexif.ImageIFD.Orientation: orientation,
        piexif.ImageIFD.DateTime: text,
    }
    shot = {
        piexif.ExifIFD.DateTimeOriginal: text,
        piexif.ExifIFD.DateTimeDigitized: text,
        piexif.ExifIFD.BodySerialNumber: camera.serial.encode(),
        piexif.ExifIFD.ExposureTime: (1, 15) if night else (1, 200),
        piexif.ExifIFD.FNumber: (24, 10),
        piexif.ExifIFD.ISOSpeedRatings: 1600 if night else 100,
        piexif.ExifIFD.Flash: 1 if night else 0,
    }
    if camera.utc_offset is not None:
        shot[piexif.ExifIFD.OffsetTimeOriginal] = camera.utc_offset.encode()
    block: bytes = piexif.dump({"0th": main, "Exif": shot, "GPS": _gps(camera.position)})
    return block


def _gps(position: tuple[float, float] | None) -> dict[int, object]:
    if position is None:
        return {}
    latitude, longitude = position
    return {
        piexif.GPSIFD.GPSLatitudeRef: b"S" if latitude < 0 else b"N",
        piexif.GPSIFD.GPSLatitude: _degrees(latitude),
        piexif.GPSIFD.GPSLongitudeRef: b"W" if longitude < 0 else b"E",
        piexif.GPSIFD.GPSLongitude: _degrees(longitude),
    }


def _degrees(value: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    seconds = round(abs(value) * 360_000)
    return ((seconds // 360_000, 1), (seconds // 6_000 % 60, 1), (seconds % 6_000, 100))
