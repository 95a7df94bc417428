"""api/routes/uploads.py: names from outside, and what is said when an import is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.deps import open_deps
from api.routes.uploads import safe_name
from api.uploads import Taken
from tests.api.serving import serving
from tests.api.test_app import NOWHERE, problem
from thumper.errors import UserError
from thumper.settings import Settings


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


class FullStore:
    """Uploads into a store that has no room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "one"

    def sweep(self) -> None:
        """Nothing is left here."""

    def folder(self) -> Path:
        self._folder.mkdir()
        return self._folder

    def take(self, folder: Path, location: str) -> Taken:
        raise UserError("the store's disk has 0 left", "make room")


def test_what_the_import_refuses_is_told_with_its_reason_and_nothing_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", **NOWHERE)
    with open_deps(settings, FullStore(tmp_path)) as deps, serving(create_app(deps)) as client:
        answer = client.post("/api/images", files={"files": ("a.jpg", b"x")}, data={"location_name": "Gate"})
    found = problem(answer, 409)
    assert (found["detail"], found["hint"]) == ("the store's disk has 0 left", "make room")
    assert not (tmp_path / "one").exists()
