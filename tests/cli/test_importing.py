"""`thumper import` before anything is connected: what is refused, with which words and which exit code."""

import os
import signal
from pathlib import Path

import pytest

from cli.importing import check_roots, interruptible
from tests.cli.command import NOWHERE, assert_refused, thumper
from thumper.errors import UserError
from thumper.settings import Settings


def test_no_such_folder(tmp_path: Path) -> None:
    assert_refused(thumper(tmp_path, "import", "nowhere"), 2, "there is no folder nowhere", "is the card mounted?")


def test_one_of_several_folders_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "picture.jpg").write_bytes(b"x")
    assert_refused(thumper(tmp_path, "import", "card", "picture.jpg"), 2, "picture.jpg is a file")


def test_in_place_outside_the_roots_prints_the_setting(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    done = thumper(tmp_path, "import", "--in-place", "card", roots="/other")
    assert_refused(done, 2, "only for folders under a configured root", f"THUMPER_ROOTS=/other:{tmp_path}/card")


def test_wrong_rows_in_the_list_of_locations(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "places.csv").write_text("name,latitude,longitude\nHayfield,95,10\n")
    for words in (("import", "card", "--locations", "places.csv"), ("locations", "places.csv")):
        assert_refused(thumper(tmp_path, *words), 2, "nothing was stated", "line 2: latitude")


def test_no_location_name(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    assert_refused(thumper(tmp_path, "import", "card", "--location", " "), 2, "--location needs a name")


def test_database_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    assert_refused(thumper(tmp_path, "import", "card", **NOWHERE), 3, "PostgreSQL", "thumper check")


@pytest.mark.parametrize(
    ("roots", "folder", "allowed"),
    [
        pytest.param("/cards", "/cards/season", True, id="below"),
        pytest.param("/cards", "/cards", True, id="the root itself"),
        pytest.param("/a:/cards", "/cards/x", True, id="any root"),
        pytest.param("/cards", "/cards2", False, id="only looks alike"),
        pytest.param("", "/cards", False, id="no root"),
    ],
)
def test_roots(roots: str, folder: str, allowed: bool) -> None:
    settings = Settings(roots=roots, _env_file=None)
    if allowed:
        check_roots(settings, [folder.encode()])
    else:
        with pytest.raises(UserError, match="--in-place"):
            check_roots(settings, [folder.encode()])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_ask_for_an_orderly_end(number: signal.Signals) -> None:
    said: list[str] = []
    before = signal.getsignal(number)
    with interruptible(said.append) as stopped:
        assert not stopped()
        os.kill(os.getpid(), number)
        assert stopped()
    assert signal.getsignal(number) is before
    assert "finishing what is in hand" in said[0]
