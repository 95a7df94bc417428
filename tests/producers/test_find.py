"""Finding pictures: locations, odd names, link loops, broken folders."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from producers import find
from producers.find import Finder, Found, Trouble, open_source, survey
from tests.producers.pictures import card
from thumper.errors import UserError


def found_in(folder: Path, location: str | None = None) -> list[Found]:
    return [item for item in Finder([os.fsencode(folder)], location) if isinstance(item, Found)]


def names(folder: Path, location: str | None = None) -> set[tuple[str, str]]:
    return {(item.location, item.name) for item in found_in(folder, location)}


def write(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["270_Jason/a.jpg"], {("270_Jason", "270_Jason/a.jpg")}, id="a sub-folder is a location"),
        pytest.param(["a.jpg"], {("card", "card/a.jpg")}, id="the folder's own pictures"),
        pytest.param(["Hayfield/x/y/a.jpg"], {("Hayfield", "Hayfield/x/y/a.jpg")}, id="deeper folders are none"),
        pytest.param(["DCIM/100RECNX/a.jpg"], {("card", "card/DCIM/100RECNX/a.jpg")}, id="a camera's folders are none"),
        pytest.param(["101EK113/a.jpg"], {("card", "card/101EK113/a.jpg")}, id="nor without DCIM"),
        pytest.param(["b/DCIM/a.jpg"], {("b", "b/DCIM/a.jpg")}, id="a camera's folder in a location"),
        pytest.param(
            ["l/a.JPG", "l/b.jpeg", "l/c.Png", "l/d.tif", "l/e.TIFF", "l/f.webp", "l/g.HEIC", "l/h.heif"],
            {
                ("l", f"l/{name}")
                for name in ["a.JPG", "b.jpeg", "c.Png", "d.tif", "e.TIFF", "f.webp", "g.HEIC", "h.heif"]
            },
            id="suffixes in any case",
        ),
        pytest.param(["l/a.mp4", "l/b.txt", "l/jpg", "l/c.jpg.part"], set(), id="other files"),
        pytest.param([".Trashes/a.jpg", "l/._a.jpg", "System Volume Information/a.jpg"], set(), id="junk"),
        pytest.param(["Übung/олень 鹿.jpg"], {("Übung", "Übung/олень 鹿.jpg")}, id="any script"),
    ],
)
def test_locations_and_names(tmp_path: Path, paths: list[str], expected: set[tuple[str, str]]) -> None:
    assert names(write(tmp_path / "card", *paths)) == expected


def test_one_location_for_all(tmp_path: Path) -> None:
    folder = write(tmp_path / "card", "a/b.jpg", "c.jpg")
    assert names(folder, "Hayfield") == {("Hayfield", "card/a/b.jpg"), ("Hayfield", "card/c.jpg")}


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    finder = Finder([os.fsencode(write(tmp_path, "l/a.jpg", "l/b.txt", "l/c.mp4", "l/.d.jpg", "l/Thumbs.db"))])
    assert len(list(finder)) == 1
    assert (finder.skipped.other_files, finder.skipped.hidden) == (2, 2)


def test_survey_counts_without_reading(tmp_path: Path) -> None:
    coming = survey(Finder([os.fsencode(write(tmp_path, "l/a.jpg", "l/b.jpg", "l/c.txt"))]))
    assert (coming.pictures, coming.size_bytes, coming.skipped.other_files) == (2, 2, 1)


def test_link_loops_end(tmp_path: Path) -> None:
    folder = write(tmp_path / "card", "l/a.jpg", "l/deep/b.jpg")
    (folder / "l" / "deep" / "up").symlink_to(folder)
    (folder / "l" / "self").symlink_to(".")
    (folder / "twin").symlink_to("l")
    finder = Finder([os.fsencode(folder)])
    assert {item.name for item in finder if isinstance(item, Found)} == {"l/a.jpg", "l/deep/b.jpg"}
    assert finder.skipped.repeated_folders == 3


def test_link_to_a_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "other", "a.jpg")
    (tmp_path / "card").mkdir()
    for name in ("one", "two"):
        (tmp_path / "card" / name).symlink_to(tmp_path / "other")
    assert names(tmp_path / "card") == {("one", "one/a.jpg")}


def test_link_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    (item,) = Finder([os.fsencode(tmp_path)])
    assert isinstance(item, Trouble)
    assert "cannot be looked at" in item.reason


def test_the_same_folder_given_twice_is_walked_once(tmp_path: Path) -> None:
    folder = os.fsencode(write(tmp_path, "l/a.jpg"))
    assert len(list(Finder([folder, folder, folder + b"/l"]))) == 1


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param(b"a\nb.jpg", "a\\x0ab.jpg", id="newline"),
        pytest.param(b"\xff\xfe.jpg", "\\xff\\xfe.jpg", id="not UTF-8"),
        pytest.param(b"\x1b[31mred.jpg", "\\x1b[31mred.jpg", id="terminal colours"),
        pytest.param("a\u202egpj.jpg".encode(), "a\\u202egpj.jpg", id="direction override"),
        pytest.param("Ü.jpg".encode(), "Ü.jpg", id="composed"),
        pytest.param("U\u0308.jpg".encode(), "Ü.jpg", id="decomposed"),
        pytest.param(b"'; rm -rf $HOME; '.jpg", "'; rm -rf $HOME; '.jpg", id="shell words"),
        pytest.param(b"x" * 250 + b".jpg", "x" * 250 + ".jpg", id="long"),
    ],
)
def test_odd_names(tmp_path: Path, raw: bytes, shown: str) -> None:
    (tmp_path / "l").mkdir()
    path = os.fsencode(tmp_path) + b"/l/" + raw
    with open(path, "wb") as file:  # noqa: PTH123 - a name that is not UTF-8
        file.write(b"x")
    (item,) = found_in(tmp_path)
    assert item.path == path
    assert item.name == f"l/{shown}"
    item.name.encode()


def test_odd_folder_names(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xffcam\n"
    os.mkdir(folder)  # noqa: PTH102 - a name that is not UTF-8
    with open(folder + b"/a.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"x")
    assert names(tmp_path) == {("\\xffcam\\x0a", "\\xffcam\\x0a/a.jpg")}


@pytest.fixture
def deep_folder(tmp_path: Path) -> Iterator[Path]:
    """1,500 folders in each other, a picture in the last; removed here, because shutil.rmtree cannot."""
    here = os.getcwd()  # noqa: PTH109 - paths of this depth only work step by step
    os.chdir(tmp_path)
    for _ in range(1_500):
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    Path("a.jpg").write_bytes(b"x")
    os.chdir(here)
    yield tmp_path
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)


def test_nested_deeper_than_calls_may_be(deep_folder: Path) -> None:
    assert len(list(Finder([os.fsencode(deep_folder)]))) == 1


def test_many_files_in_a_folder_cost_no_memory(tmp_path: Path) -> None:
    """Portions are sorted, the rest stays on the disk: what is held does not grow with the folder."""
    portion = find.PORTION
    try:
        find.PORTION = 100
        write(tmp_path, *(f"l/{number:05}.jpg" for number in range(1_000)))
        walk = iter(Finder([os.fsencode(tmp_path)]))
        first = [item.name for item in islice(walk, 100) if isinstance(item, Found)]
        assert first == sorted(first)
        assert len(first) + len(list(walk)) == 1_000
    finally:
        find.PORTION = portion


def test_folder_that_vanishes_in_the_walk(tmp_path: Path) -> None:
    folder = card(tmp_path / "card", a=1, b=1)
    walk = iter(Finder([os.fsencode(folder)]))
    next(walk)
    for path in (folder / "b").iterdir():
        path.unlink()
    (folder / "b").rmdir()
    (item,) = walk
    assert isinstance(item, Trouble)
    assert "No such file" in item.reason


class TestOpenSource:
    def test_no_such_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"there is no folder .*nowhere"):
            open_source(os.fsencode(tmp_path / "nowhere"))

    def test_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="is a file"):
            open_source(os.fsencode(write(tmp_path, "a.jpg") / "a.jpg"))

    def test_odd_name_in_the_message(self) -> None:
        with pytest.raises(UserError, match=r"there is no folder /no\\x0awhere"):
            open_source(b"/no\nwhere")

    def test_is_there(self, tmp_path: Path) -> None:
        source = open_source(os.fsencode(write(tmp_path / "card", "a.jpg")))
        assert source.is_there()
        (tmp_path / "card").rename(tmp_path / "away")
        assert not source.is_there()


def test_without_rights(tmp_path: Path) -> None:
    """As an ordinary user, also when the tests run as root: what may not be read is said, and the rest goes on."""
    folder = write(tmp_path / "card", "good/a.jpg", "closed/b.jpg", "good/secret.jpg")
    (folder / "closed").chmod(0)
    (folder / "good" / "secret.jpg").chmod(0)
    script = (
        "import os, sys\n"
        "from producers.find import Finder, Found, open_source\n"
        "from producers.reading import Unreadable, read_file\n"
        "from thumper.errors import UserError\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "folder = os.fsencode(sys.argv[1])\n"
        "for item in Finder([folder]):\n"
        "    try: print(item.name, len(read_file(item.path, 10))) if isinstance(item, Found) else print(item.reason)\n"
        "    except Unreadable as error: print(item.name, error.reason)\n"
        "try: open_source(folder + b'/closed')\n"
        "except UserError as error: print(error.message.replace(sys.argv[1], ''))\n"
    )
    # Below a private temporary folder, an ordinary user starts inside: the folder is passed as `.`.
    result = subprocess.run(
        [sys.executable, "-c", script, "."],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "closed").chmod(0o700)
    assert result.stdout.splitlines() == [
        "the folder cannot be read: Permission denied",
        "good/a.jpg 1",
        "good/secret.jpg no rights to read it",
        "no rights to read the folder /closed",
    ], result.stderr
