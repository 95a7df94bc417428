"""api/routes/uploads.py: names from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routes.uploads import safe_name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        pytest.param("IMG_1.JPG", "IMG_1.JPG", id="as it is"),
        pytest.param("../../etc/passwd.jpg", "passwd.jpg", id="a path"),
        pytest.param("C:\\card\\IMG_1.JPG", "IMG_1.JPG", id="a path of Windows"),
        pytest.param("..", "", id="the folder above"),
        pytest.param(".hidden.jpg", "hidden.jpg", id="hidden"),
        pytest.param("a\x00b\n.jpg", "ab.jpg", id="what does not print"),
        pytest.param("Größe 3.jpg", "Größe 3.jpg", id="another alphabet"),
    ],
)
def test_names(given_name: str, kept: str) -> None:
    assert safe_name(given_name) == kept


@given(st.text(max_size=600))
def test_a_name_is_always_one_of_a_file_in_the_folder(name: str) -> None:
    kept = safe_name(name)
    assert "/" not in kept
    assert "\\" not in kept
    assert not kept.startswith(".")
    assert len(kept.encode()) <= 255
