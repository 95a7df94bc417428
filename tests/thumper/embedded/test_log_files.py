"""Last lines, and lines that are added."""

from pathlib import Path

from thumper.embedded.log_files import Follower, tail


def test_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\ntwo\nthr\xffee\n")
    assert tail(path, 2) == ["two", "thr�ee"]
    assert tail(path, 0) == []
    assert tail(tmp_path / "none.log", 5) == []


def test_whole_lines_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n")
    follower = Follower(path)
    assert follower.read_new() == []
    with path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert follower.read_new() == ["one"]
        file.write("o\n")
        file.flush()
        assert follower.read_new() == ["two"]


def test_a_rotated_file_is_followed_into_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n")
    follower = Follower(path)
    path.rename(tmp_path / "a.log.1")
    assert follower.read_new() == []
    path.write_text("after\n")
    assert follower.read_new() == ["after"]
