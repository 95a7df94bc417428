"""`thumper rebuild` and `restore` on stacks of their own: they start and stop what they need by themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.scenes import write_card
from tests.integration.test_rebuild import rows
from tests.processes import PATIENCE_S, ROOT, eventually
from thumper.embedded import leftovers
from thumper.embedded.servers import mark_of
from thumper.embedded.stack import EmbeddedStack, connect
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Data folders of two stacks."""
    # Through pytest's own private folder, PostgreSQL's user does not come when the caller is root.
    found = Path(os.environ["THUMPER_TEST_RUN"]) / tmp_path_factory.mktemp("x").name
    yield found / "a", found / "b"
    for one in (found / "a", found / "b"):
        EmbeddedStack(one).remove()
        assert leftovers.leftovers(mark_of(one), None) == []


def thumper(data_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of `thumper` on the stack in `data_dir`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
    given = {"THUMPER_DATA_DIR": str(data_dir), "THUMPER_STORE_RESERVE_BYTES": "0", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        (sys.executable, "-m", "cli.main", *words),
        env=clean | given,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_S,
    )


def wait_drained(settings: Settings) -> None:
    """Until detector and sink have a lag of exactly 0."""
    lags = LagReader(settings)
    eventually(lambda: lags.read("detector", WORK).lag == 0 == lags.read("sink", RECORDED).lag, "all is drained")
    lags.close()


def test_rebuild_then_backup_and_restore(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, other = folders
    folder.parent.mkdir(mode=0o711)
    write_card(tmp_path / "card", ("Hayfield",), 6, seed=3)
    done = thumper(folder, "up")
    assert done.returncode == 0, done.stderr
    assert thumper(folder, "import", str(tmp_path / "card")).returncode == 0
    settings = connect(Settings(data_dir=folder))
    wait_drained(settings)
    before = rows(settings)
    pid = {part.name: part.pid for part in EmbeddedStack(folder).parts()}

    done = thumper(folder, "rebuild", "--yes")
    assert (done.returncode, "rebuild: 6 pictures, 6 results" in done.stdout) == (0, True), done.stderr
    assert rows(settings) == before
    after = {part.name: part.pid for part in EmbeddedStack(folder).parts() if part.ready}
    assert {name for name, number in pid.items() if after[name] != number} == {"sink"}
    assert "verify: clean" in thumper(folder, "verify").stdout

    assert thumper(folder, "backup", str(tmp_path / "backup")).returncode == 0
    refused = thumper(folder, "restore", str(tmp_path / "backup"), "--yes")
    assert (refused.returncode, "has members" in refused.stderr) == (2, True)
    assert thumper(folder, "down").returncode == 0
    done = thumper(other, "restore", str(tmp_path / "backup"), "--yes")
    assert (done.returncode, "6 pictures, 6 results in the tables" in done.stdout) == (0, True), done.stderr
    restored = connect(Settings(data_dir=other))
    wait_drained(restored)
    again = rows(restored)
    for table in ("image", "result", "box", "place", "location", "request_state", "counter"):
        assert again[table] == before[table], table
    assert "verify: clean: 6 pictures, 6 outcomes" in thumper(other, "verify", "--deep").stdout
