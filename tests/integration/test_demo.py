"""`thumper demo` as a new user runs it, on a card of one's own: its words, its pictures; and nothing stays running."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from models.scenes import write_card
from tests.processes import PATIENCE_S, ROOT, eventually
from thumper.embedded import leftovers
from thumper.embedded.servers import mark_of
from thumper.embedded.stack import EmbeddedStack

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PICTURES = 12


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    if (tmp_path / "demo" / "data").exists():
        EmbeddedStack(tmp_path / "demo" / "data").remove()


def demo(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        (sys.executable, "-m", "cli.main", "demo", "--folder", str(folder), *words),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def running(folder: Path) -> list[str]:
    return [str(process) for process in leftovers.leftovers(mark_of(folder / "data"), folder / "data" / "postgres")]


def test_pictures_of_ones_own(folder: Path, tmp_path: Path) -> None:
    card = tmp_path / "card"
    write_card(card, ("Hayfield", "Sanctuary"), PICTURES, seed=7)
    (card / "Hayfield" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    process = demo(folder, "--pictures", str(card))
    out, err = process.communicate(timeout=3 * PATIENCE_S)
    assert process.returncode == 0, out + err
    lines = out.splitlines()
    assert f"[INFO] Found {PICTURES + 1} total images in directory" in lines
    last = re.search(r"^demo: (\d+) pictures, (\d+) completed, (\d+) failed, lag 0$", out, re.MULTILINE)
    assert last is not None, out
    total, completed, failed = map(int, last.groups())
    assert (total, completed) == (completed + failed, PICTURES)
    pictures = sorted((folder / "pictures").glob("*.jpg"))
    page = (folder / "pictures" / "index.html").read_text("utf-8")
    assert pictures
    assert all(f'src="{path.name}"' in page for path in pictures)
    for path in pictures:
        with Image.open(path) as image:
            assert max(image.size) == 960
    assert running(folder) == []


def test_an_interrupt_in_the_middle_leaves_nothing_running_and_the_next_run_works(folder: Path, tmp_path: Path) -> None:
    write_card(tmp_path / "card", ("Hayfield",), PICTURES, seed=8)
    process = demo(folder, "--pictures", str(tmp_path / "card"))
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Ready after"):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    eventually(lambda: running(folder) == [], "all has ended")
    again = demo(folder, "--pictures", str(tmp_path / "card"))
    out, err = again.communicate(timeout=3 * PATIENCE_S)
    assert again.returncode == 0, out + err
    assert f"demo: {PICTURES} pictures, {PICTURES} completed, 0 failed, lag 0" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--pictures", "nowhere"), "there is no folder nowhere", id="no such folder"),
        pytest.param(("--pictures", "docs/decisions"), "no picture is in docs/decisions", id="no picture in it"),
        pytest.param(("--weights", "nowhere.onnx"), "nowhere.onnx", id="no such weights"),
        pytest.param(("--weights", "README.md"), "README.md", id="no weights"),
    ],
)
def test_what_it_cannot_work_with_is_refused_before_anything_starts(
    folder: Path, words: tuple[str, ...], message: str
) -> None:
    process = demo(folder, *words)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode not in (0, None)
    assert message in err
    assert "Traceback" not in err
    assert "Starting" not in out
