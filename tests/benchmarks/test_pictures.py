"""The pictures of a benchmark: each a picture of its own, with the same work in it."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.pictures import choose, distinct, flat
from processors.detector.decode import decode
from processors.detector.frame import Canvas
from tests.processors.detector.pictures import RED, picture
from thumper.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, size in (("a/1.jpg", (64, 48)), ("b/2.png", (48, 64)), ("odd/3.jpg", (8, 8))):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(picture(size, [((5, 5, 30, 30), RED)], "JPEG" if path.suffix == ".jpg" else "PNG"))
    return tmp_path / "pictures"


def test_copies_are_pictures_of_their_own_that_look_alike(folder: Path, tmp_path: Path) -> None:
    source = choose(folder, tmp_path, lambda _: None)
    made = distinct(source, 5, tmp_path / "card")
    names = [str(path.relative_to(tmp_path / "card")) for path in made]
    assert names == [f"{stem}_{copy:04}{end}" for stem, end in (("a/1", ".jpg"), ("b/2", ".png")) for copy in range(3)]
    assert len({path.read_bytes() for path in made}) == 6
    shown = [decode(path.read_bytes(), Canvas(64)).pixels for path in made]
    assert np.array_equal(shown[0], shown[2])
    assert np.array_equal(shown[3], shown[5])


def test_a_flat_folder_shows_an_even_share_in_order(folder: Path, tmp_path: Path) -> None:
    made = distinct(choose(folder, tmp_path, lambda _: None), 6, tmp_path / "card")
    shown = sorted(flat(made, 3, tmp_path / "flat").iterdir())
    assert [path.resolve() for path in shown] == [made[0], made[2], made[4]]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pictures below"):
        choose(tmp_path, tmp_path, lambda _: None)
