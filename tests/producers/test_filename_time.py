"""Time stamps in file names."""

from datetime import datetime

import pytest

from producers.filename_time import time_in_name

MOMENT = datetime(2024, 2, 6, 21, 33, 34)


@pytest.mark.parametrize(
    "name",
    [
        "20240206_213334.jpg",
        "2024-02-06 21-33-34.jpg",
        "2024-02-06 21.33.34.jpg",
        "IMG_20240206_213334.jpg",
        "IMG_20240206_213334123.jpg",
        "PXL_20240206_213334123.MP.jpg",
        "20240206213334.JPG",
        "StationA__2024-02-06__21-33-34(1).JPG",
        "cam3 2024-02-06T21:33:34 deer.png",
        "Screenshot 2024-02-06 at 21.33.34.png",
        "270_Jason/2024.02.06_21h33m34.jpg",
        "99999999_999999 20240206_213334.jpg",
    ],
)
def test_usual_stamps(name: str) -> None:
    assert time_in_name(name) == MOMENT


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0001.JPG",
        "RCNX0242.JPG",
        "DSCF0003.JPG",
        "2024-02-06.jpg",
        "20241306_213334.jpg",
        "20240230_213334.jpg",
        "20240206_253334.jpg",
        "1234567890123456.jpg",
        "520240206213334.jpg",
        "20240206_2133345.jpg",
        "30240206_213334.jpg",
        "",
    ],
)
def test_no_stamp(name: str) -> None:
    assert time_in_name(name) is None
