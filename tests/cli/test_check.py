"""cli/check.py: every part is judged, whatever the others do, in bounded time, and never by a traceback."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cli import check_parts
from cli.check import check, run_checks, table
from thumper.clock import SystemClock
from thumper.errors import KafkaDown
from thumper.probe import Finding
from thumper.settings import Settings
from thumper.store import Store

PARTS = ["Kafka", "PostgreSQL", "Store", "Data folder", "Weights", "API"]


def states(findings: list[Finding]) -> dict[str, str]:
    """The worst of each part."""
    order = ("ok", "warn", "fail")
    worst: dict[str, str] = {}
    for finding in findings:
        worst[finding.part] = max(worst.get(finding.part, "ok"), finding.state, key=order.index)
    return worst


def test_where_nothing_runs_each_part_says_so(tmp_path: Path) -> None:
    found = check(Settings(data_dir=tmp_path / "data"), SystemClock())
    assert states(found) == {
        "Kafka": "fail",
        "PostgreSQL": "fail",
        "Store": "fail",
        "Data folder": "ok",
        "Weights": "ok",
        "API": "ok",
    }
    assert all(finding.advice for finding in found if finding.state == "fail")
    assert "thumper up" in found[0].advice


@pytest.mark.slow
def test_the_command_ends_with_1_and_names_every_part_where_nobody_answers(tmp_path: Path) -> None:
    nowhere = {
        "THUMPER_DATA_DIR": str(tmp_path / "data"),
        "THUMPER_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "THUMPER_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/x",
        "THUMPER_STORE": "s3://bucket",
        "THUMPER_STORE_ENDPOINT": "http://127.0.0.1:1",
        "THUMPER_ROOTS": str(tmp_path / "card"),
        "THUMPER_WEIGHTS": str(tmp_path / "none.onnx"),
        "THUMPER_API_HOST": "0.0.0.0",
    }
    command = (sys.executable, "-m", "cli.main", "check", "--json")
    done = subprocess.run(command, env=os.environ | nowhere, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["ok"] is False
    failed = {finding["part"] for finding in answer["findings"] if finding["state"] == "fail"}
    assert failed == {"Kafka", "PostgreSQL", "Store", "Root", "Weights", "API"}
    assert all(finding["advice"] for finding in answer["findings"] if finding["state"] == "fail")


def test_a_check_that_hangs_or_breaks_keeps_no_other_from_being_told() -> None:
    never = threading.Event()

    def hang() -> Iterator[Finding]:
        never.wait()
        yield Finding("ok", "disk", "never")

    def down() -> Iterator[Finding]:
        yield Finding("ok", "log", "half of it")
        raise KafkaDown("away")

    def broken() -> Iterator[Finding]:
        raise ZeroDivisionError

    def well() -> Iterator[Finding]:
        yield Finding("ok", "sun", "shines")

    found = run_checks({"disk": hang, "log": down, "odd": broken, "sun": well}, SystemClock(), patience_s=0.5)
    never.set()
    assert [(finding.part, finding.state) for finding in found] == [
        ("disk", "fail"),
        ("log", "ok"),
        ("log", "fail"),
        ("odd", "fail"),
        ("sun", "ok"),
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", store_reserve_bytes=0)


def test_a_store_is_tried_by_writing_and_nothing_stays_behind(settings: Settings) -> None:
    Store(settings).open_or_create()
    folder = settings.data_dir / "store"
    before = sorted(folder.rglob("*"))
    assert {finding.state for finding in check_parts.check_store(settings)} == {"ok"}
    assert sorted(folder.rglob("*")) == before


def test_a_store_with_less_room_than_its_reserve(settings: Settings) -> None:
    Store(settings).open_or_create()
    (bad,) = (
        finding
        for finding in check_parts.check_store(settings.model_copy(update={"store_reserve_bytes": 1 << 60}))
        if finding.state != "ok"
    )
    assert (bad.state, "GB are the least" in bad.found) == ("fail", True)


def test_a_folder_that_is_no_store(settings: Settings) -> None:
    (settings.data_dir / "store").mkdir(parents=True)
    (settings.data_dir / "store" / "IMG_0001.JPG").touch()
    (bad,) = check_parts.check_store(settings)
    assert (bad.state, "not the store" in bad.found) == ("fail", True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_without_the_right_to_write(settings: Settings) -> None:
    Store(settings).open_or_create()
    folder = settings.data_dir / "store"
    folder.chmod(0o500)
    assert "fail" in {finding.state for finding in check_parts.check_store(settings)}
    folder.chmod(0o700)


def test_roots_are_there_not_empty_and_readable(settings: Settings, tmp_path: Path) -> None:
    full, empty, away = tmp_path / "full", tmp_path / "empty", tmp_path / "away"
    full.mkdir()
    (full / "a.jpg").touch()
    empty.mkdir()
    found = list(check_parts.check_folders(settings.model_copy(update={"roots": (full, empty, away)})))
    assert [finding.state for finding in found if finding.part == "Root"] == ["ok", "fail", "fail"]


def test_weights_on_a_device_that_they_cannot_run_on(settings: Settings) -> None:
    found = run_checks(
        {"Weights": lambda: check_parts.check_weights(settings.model_copy(update={"device": "cuda"}))},
        SystemClock(),
        30.0,
    )
    assert [(finding.state, ".pt" in finding.advice) for finding in found] == [("fail", True)]


def test_the_table_shows_state_finding_and_advice() -> None:
    out = StringIO()
    Console(file=out, width=100).print(table([Finding("warn", "Kafka", "one [broker]", "add two")]))
    assert out.getvalue().splitlines()[1].split("  ")[:1] == ["warn"]
    assert "one [broker]" in out.getvalue()
    assert "add two" in out.getvalue()
