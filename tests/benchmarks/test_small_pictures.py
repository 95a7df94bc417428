"""Small pictures: different files that show the same, and are real JPEGs."""

import io
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.small_pictures import jpeg, marked, write
from producers.exif import read_metadata


def test_each_file_is_another_and_a_whole_picture(tmp_path: Path) -> None:
    folder = write([(64, 48), (48, 64)], 1_003, tmp_path / "card")
    files = sorted(folder.rglob("*.JPG"))
    assert len(files) == len({path.read_bytes() for path in files}) == 1_003
    assert sorted(path.name for path in folder.iterdir()) == ["card-0000", "card-0001"]
    for path, size in ((files[0], (64, 48)), (files[1], (48, 64))):
        with Image.open(path) as picture:
            picture.load()
            assert picture.size == size
    camera = read_metadata(files[0].read_bytes(), files[0].name).camera
    assert camera is not None
    assert camera.model == "Bench 1"


def test_a_comment_changes_no_pixel() -> None:
    with Image.open(io.BytesIO(jpeg((32, 24)))) as plain, Image.open(io.BytesIO(marked(jpeg((32, 24)), "7"))) as other:
        assert plain.tobytes() == other.tobytes()


def test_what_is_no_jpeg_is_refused() -> None:
    with pytest.raises(ValueError, match="no JPEG"):
        marked(b"GIF89a", "7")
