"""The data folder: private, with rights and room, one at a time."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from thumper.embedded import folder
from thumper.errors import UserError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount or to give folders away")


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    folder.prepare(tmp_path / "a" / "b")
    for name in (".", "logs", "run"):
        assert stat.S_IMODE((tmp_path / "a" / "b" / name).stat().st_mode) == 0o700


def test_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError, match="cannot be used: File exists"):
        folder.prepare(tmp_path / "data")


def test_a_full_disk_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is full: \d+ MiB free, \d+ MiB needed"):
        folder.prepare(tmp_path, needed_bytes=1 << 60)


@needs_root
def test_a_really_full_disk(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        (tmp_path / "filler").write_bytes(b"x" * (1 << 20))
        with pytest.raises(UserError, match="is full"):
            folder.prepare(tmp_path / "data")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@needs_root
def test_root_does_not_touch_the_folder_of_somebody_else(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, -1)
    with pytest.raises(UserError, match="belongs to user 12345"):
        folder.prepare(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="Permission denied") as caught:
        folder.prepare(tmp_path / "data")
    assert "THUMPER_DATA_DIR" in caught.value.hint


@pytest.mark.parametrize("name", ["two\nlines", "a ;b", "a #b"])
def test_names_that_cannot_be_written_into_settings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be used"):
        folder.prepare(tmp_path / name)


def test_a_second_one_says_who_is_at_work(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from thumper.embedded.folder import only_one\n"
        "with only_one(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in\n"
        with (
            pytest.raises(UserError, match=rf"another `thumper up`.*process {first.pid}"),
            folder.only_one(tmp_path),
        ):
            pass
        first.kill()
    with folder.only_one(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_long_path_gets_a_short_socket() -> None:
    with tempfile.TemporaryDirectory() as name:
        assert folder.socket_path(Path(name)) == Path(name) / "run" / "supervisor.sock"
        short = folder.socket_path(Path(name) / ("x" * 90))
    assert len(str(short)) < 90
    assert stat.S_IMODE(short.parent.stat().st_mode) == 0o700
    short.parent.rmdir()
