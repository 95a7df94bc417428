"""`thumper verify` and `thumper repair`: what they print, and how they refuse. On a pipeline: tests/integration."""

import json
from pathlib import Path

from cli.verify_report import as_words, repair_as_words, to_json
from producers.repair import RepairSummary
from tests.cli.command import NOWHERE, assert_refused, thumper
from thumper.audit.answers import Passes
from thumper.audit.audit import Report
from thumper.audit.findings import KINDS, LISTED
from thumper.settings import Settings
from thumper.store import Store


def clean() -> Report:
    report = Report(passes=[Passes("detector", "images", 0, 24, 2), Passes("detector", "images", 1)], seconds=1.0)
    report.findings.counted.update({"pictures in the tables": 12, "outcomes in detections": 24})
    report.outcomes_s = 0.5
    return report


def test_clean() -> None:
    report = clean()
    lines = as_words(report).splitlines()
    assert lines[-1] == "verify: clean: 12 pictures, 24 outcomes, nothing lost, nothing twice"
    assert "answered   group detector: 24 outcomes in up to 2 passes" in lines
    found = json.loads(to_json(report))
    assert (found["clean"], found["wrong"], found["outcomes_per_s"]) == (True, {}, 48)
    assert [line["partition"] for line in found["passes"]] == [0]


def test_wrong_is_counted_and_the_first_are_named() -> None:
    report = clean()
    for n in range(LISTED + 5):
        report.findings.add("file_missing", "file {}", n)
    report.findings.add("lost", "group {}: at {}", "detector", 7, count=3)
    words = as_words(report)
    assert words.splitlines()[-1] == "verify: WRONG: lost 3, file_missing 15"
    assert f"WRONG  3 {KINDS['lost']} [lost]" in words
    assert "         file 9" in words.splitlines()
    assert "file 10" not in words
    found = json.loads(to_json(report))
    assert found["wrong"]["lost"] == {"count": 3, "examples": ["group detector: at 7"]}
    assert (found["clean"], found["wrong"]["file_missing"]["count"]) == (False, 15)


def test_what_is_on_its_way_is_told() -> None:
    report = clean()
    report.findings.in_flight["events not answered yet"] += 1_234
    assert "on its way 1,234 events not answered yet" in as_words(report)
    assert json.loads(to_json(report))["in_flight"] == {"events not answered yet": 1_234}


def test_a_repair_says_what_it_did() -> None:
    assert repair_as_words(RepairSummary(announced=3), dry_run=False) == "repair: 3 pictures announced again"
    found = RepairSummary(announced=1, refused=2, complaints=["a: b"], examples=["store:///x"], stopped_because="away")
    assert repair_as_words(found, dry_run=True).splitlines() == [
        "[WARN] a: b",
        "[WARN] and 1 more",
        "       store:///x",
        "[ERROR] away; the same again sends the rest",
        "repair: 1 pictures would be announced again",
    ]


def test_what_is_not_reachable_is_said(tmp_path: Path) -> None:
    for command in ("verify", "repair"):
        assert_refused(thumper(tmp_path, command, data_dir="data", **NOWHERE), 3, "cannot be opened", "mounted")
    Store(Settings(data_dir=tmp_path / "data", _env_file=None)).open_or_create()
    for command in ("verify", "repair"):
        assert_refused(thumper(tmp_path, command, data_dir="data", **NOWHERE), 3, "PostgreSQL", "thumper check")


def test_without_anything_running_it_says_how_to_start(tmp_path: Path) -> None:
    assert_refused(thumper(tmp_path, "verify", data_dir="data"), 2, "thumper up")
