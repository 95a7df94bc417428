"""Names from cards as tables and people can hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from producers.names import display, folder_name, is_camera_folder, location_name, place_path, shortened
from schemas.envelope import LongText, Name


@given(st.binary(max_size=400))
def test_any_bytes_fit_events(raw: bytes) -> None:
    TypeAdapter(Name).validate_python(location_name(raw))
    path = TypeAdapter(LongText).validate_python(place_path(raw))
    path.encode()
    assert "\n" not in path


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"DCIM", True), (b"100RECNX", True), (b"101_BTCF", True), (b"270_Jason", False), (b"Hayfield", False)],
)
def test_camera_folders(name: bytes, expected: bool) -> None:
    assert is_camera_folder(name) is expected


def test_the_end_of_a_long_name_is_kept() -> None:
    assert shortened("x" * 300 + "IMG_1.JPG", 20) == "…" + "x" * 10 + "IMG_1.JPG"
    assert shortened("short", 20) == "short"


def test_folder_names() -> None:
    assert folder_name(b"/cards/270_Jason/") == b"270_Jason"
    assert folder_name(b"/") == b"root"
    assert location_name(b"   ") == "unnamed"


def test_unprintable_signs_are_escaped() -> None:
    assert display("a\u2028b\u202ec\x00".encode()) == "a\\u2028b\\u202ec\\x00"
    assert display("👨‍👩‍👧".encode()) == "👨‍👩‍👧"
