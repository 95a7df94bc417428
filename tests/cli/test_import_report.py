"""What an import prints."""

import json
import os
import pty
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cli.import_report import ImportReport, size_words, summary_lines
from producers.find import Skipped
from producers.tally import Complaint, ImportSummary
from thumper.clock import SteppedClock


def full() -> ImportSummary:
    return ImportSummary(
        found=8_788,
        imported=8_000,
        imported_bytes=16_000_000_000,
        known=700,
        further_places=80,
        unreadable=8,
        exif_times=7_800,
        filename_times=100,
        read_bytes=17_000_000_000,
        seconds=20.0,
        complaints=[Complaint("270_Jason/a.jpg", "the file is empty (0 bytes)")],
        skipped=Skipped(other_files=3, hidden=2, repeated_folders=1),
        locations=Counter({"270_Jason": 8_000}),
    )


def test_words_that_scripts_look_for() -> None:
    lines = list(summary_lines(full(), dry_run=False))
    assert lines[0] == "[INFO] Already have 780 images in database"
    assert lines[1] == "[OK] Total new imports: 8000"


def test_summary() -> None:
    text = "\n".join(summary_lines(full(), dry_run=False))
    for words in (
        "97.5 % from EXIF, 1.2 % from file names, 1.2 % without",
        "80 further places",
        "3 other files",
        "2 hidden",
        "1 links to folders",
        "17.0 GB read in 20.0 s: 439 pictures and 850 MB a second",
        "8 files were not imported",
        "270_Jason/a.jpg: the file is empty",
        "and 7 more",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("summary", "words", "exit_code"),
    [
        pytest.param(ImportSummary(), "Total new imports: 0", 0, id="nothing there"),
        pytest.param(
            ImportSummary(imported=3, interrupted=True),
            "interrupted: 3 imported; run the same command again to go on",
            130,
            id="interrupted",
        ),
        pytest.param(ImportSummary(stopped_because="the card is gone"), "stopped: the card is gone", 3, id="stopped"),
        pytest.param(ImportSummary(not_in_log=2), "2 events are not acknowledged and not counted", 1, id="not in log"),
        pytest.param(ImportSummary(unreadable=1), "1 files were not imported", 1, id="complaints"),
    ],
)
def test_how_it_ended(summary: ImportSummary, words: str, exit_code: int) -> None:
    assert words in "\n".join(summary_lines(summary, dry_run=False))
    assert summary.exit_code == exit_code


def test_json_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    report = ImportReport(SteppedClock(), machine=True)
    report.say("[OK] Copied images for Hayfield")
    report.summary(full(), dry_run=True)
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["imported"], found["dry_run"], found["exit_code"]) == (8_000, True, 1)
    assert found["pictures_per_second"] == 439.4
    assert found["locations"] == {"270_Jason": 8_000}
    assert found["complaints"] == [{"path": "270_Jason/a.jpg", "reason": "the file is empty (0 bytes)"}]
    assert "[OK] Copied images for Hayfield" in printed.err


def test_plain_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    clock = SteppedClock()
    report = ImportReport(clock)
    with report.running(1_000):
        for done in range(0, 1_001, 10):
            report.progress(done, done * 1_000)
            clock.step(0.125)
    assert capsys.readouterr().out.splitlines() == [
        "[INFO] 400 of 1,000 pictures, 80 a second, 8 s left",
        "[INFO] 800 of 1,000 pictures, 80 a second, 2 s left",
    ]


def test_lines_hold_any_sign(capsys: pytest.CaptureFixture[str]) -> None:
    ImportReport(SteppedClock()).say("[bold]x[/bold] :deer: [/] олень " + "x" * 300)
    assert capsys.readouterr().out == "[bold]x[/bold] :deer: [/] олень " + "x" * 300 + "\n"


def test_progress_bar_with_time_left_on_a_terminal() -> None:
    script = (
        "from cli.import_report import ImportReport\n"
        "from thumper.clock import SystemClock\n"
        "report = ImportReport(SystemClock())\n"
        "with report.running(100):\n"
        "    report.progress(40, 4_000_000)\n"
        "    report.say('[OK] Copied images for Hayfield')\n"
    )
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        (sys.executable, "-c", script),
        stdout=theirs,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color", "COLUMNS": "100"},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(mine, 4_096):
                shown += part
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(mine)
        assert process.wait(60) == 0
    text = shown.decode()
    assert "40/100" in text
    assert "4.00 MB" in text
    assert ":--" in text  # the time left, not known yet
    assert "[OK] Copied images for Hayfield" in text


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_999, "1.00 MB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes(size: int, words: str) -> None:
    assert size_words(size) == words
