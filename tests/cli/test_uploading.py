"""cli/uploading.py: what an upload hears of an import that did not begin, or did not end well."""

from pathlib import Path

import pytest

from api.uploads import ImportBusy, Taken
from cli.import_run import WaitsFor
from cli.uploading import FolderUploads, taken
from producers.tally import ImportSummary
from thumper.clock import SystemClock
from thumper.errors import StoreDown
from thumper.settings import Settings


@pytest.mark.parametrize(
    ("waits_for", "words"),
    [
        pytest.param("turn", "another import is running", id="another import"),
        pytest.param("sink", "the sink has not recorded", id="a sink that stands"),
        pytest.param(None, "did not begin within 20 s", id="neither"),
    ],
)
def test_one_that_did_not_begin_says_what_it_waited_for(waits_for: WaitsFor | None, words: str) -> None:
    with pytest.raises(ImportBusy, match=words) as busy:
        taken(ImportSummary(interrupted=True), waits_for)
    assert "again" in busy.value.hint


def test_one_that_stopped_says_why() -> None:
    with pytest.raises(StoreDown, match="the disk is full"):
        taken(ImportSummary(imported=1, stopped_because="the disk is full"), None)


def test_one_that_ended_well_is_told_in_figures() -> None:
    assert taken(ImportSummary(imported=3, known=2, further_places=1, removed=4), None) == Taken(3, 3, 4, ())


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    uploads = FolderUploads(Settings(data_dir=tmp_path), SystemClock())
    uploads.sweep()
    (uploads.folder() / "IMG_1.JPG").write_bytes(b"x")
    beside = tmp_path / "kept"
    beside.mkdir()
    uploads.sweep()
    assert (list((tmp_path / "uploads").iterdir()), beside.exists()) == ([], True)
