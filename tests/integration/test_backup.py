"""`thumper backup` and `thumper restore` with real processes: offset by offset, row by row, and nothing runs again."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition
from pydantic import SecretStr

from cli.wiring import before_apps
from tests.integration.test_rebuild import full_of_history, rows
from tests.processes import CLOCK, Processes, eventually
from tests.producers.pictures import card
from thumper.audit.audit import Asked, audit
from thumper.backup.manifest import UNFINISHED, read_manifest
from thumper.backup.taking import take_backup
from thumper.embedded import postgres
from thumper.embedded.state import StackState
from thumper.kafka import Names, make_admin, make_reader
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import RECORDED, make_restored, unfinished_topics

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Told = tuple[int, int, bytes | None, bytes | None, object]


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


@pytest.fixture
def elsewhere(settings: Settings, stack_state: StackState, tmp_path: Path) -> Iterator[Processes]:
    """Other topics, groups, tables and store, which are not there yet."""
    prefix, name = f"t{uuid4().hex[:10]}.", f"test_{uuid4().hex[:12]}"
    other = settings.model_copy(
        update={
            "topic_prefix": prefix,
            "group_prefix": prefix,
            "partitions": 2,
            "database_url": SecretStr(postgres.create_database(stack_state, name)),
            "data_dir": tmp_path / "elsewhere",
        }
    )
    (tmp_path / "there").mkdir()
    with Processes(other, tmp_path / "there") as found:
        yield found
    postgres.drop_database(stack_state, name)


def log_of(settings: Settings) -> dict[tuple[str, int], list[Told]]:
    """Every committed record of the four topics, whole."""
    lags, reader, names = LagReader(settings), make_reader(settings), Names(settings)
    found: dict[tuple[str, int], list[Told]] = {}
    for part, end in lags.ends(RECORDED).items():
        place = TopicPartition(names.topic(part.topic), part.number, lags.starts(RECORDED)[part])
        reader.assign([place])
        told = found.setdefault((part.topic, part.number), [])
        while max(place.offset, reader.position([place])[0].offset) < end:
            one = reader.poll(0.2)
            if one is not None and one.error() is None:
                told.append((one.offset() or 0, one.timestamp()[1], one.key(), one.value(), one.headers()))
    reader.close()
    lags.close()
    return found


def positions(settings: Settings, group: str) -> object:
    lags = LagReader(settings)
    try:
        return lags.committed(group, RECORDED)
    finally:
        lags.close()


def wrong(parts: Processes) -> dict[str, int]:
    report = audit(parts.settings, Asked(deep=True), CLOCK)
    return {kind: found.count for kind, found in report.findings.wrong.items()}


def run(parts: Processes, *words: str, code: int = 0) -> str:
    done = parts.run(*words)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_what_comes_back_is_what_was_there(parts: Processes, elsewhere: Processes, tmp_path: Path) -> None:
    folder = str(tmp_path / "backup")
    sink = full_of_history(parts, tmp_path)
    run(parts, "backup", folder)
    first = read_manifest(tmp_path / "backup")
    assert first is not None
    # More comes, some goes; the second run reads what is new.
    run(parts, "import", str(card(tmp_path / "more", Creek=40)))
    parts.wait_drained()
    run(parts, "remove", "--location", "Sanctuary", "--yes", "5")
    run(parts, "backup", folder)
    second = read_manifest(tmp_path / "backup")
    assert second is not None
    assert list(second.segments)[: len(first.segments)] == list(first.segments)
    assert not (tmp_path / "backup" / UNFINISHED).exists()
    sink.stop()
    before, log, where = rows(parts.settings), log_of(parts.settings), positions(parts.settings, "detector")

    assert "start sink, detectors and API" in run(elsewhere, "restore", folder, "--yes")
    assert log_of(elsewhere.settings) == log
    assert positions(elsewhere.settings, "detector") == where
    detector = elsewhere.null_detector().wait_ready()
    elsewhere.sink().wait_ready()
    elsewhere.wait_drained()
    assert detector.log.count("Detection complete") == 0
    after = rows(elsewhere.settings)
    differ = {name for name, found in after.items() if found != before[name]}
    # Which log it is; and the fact that this detector's model is in use, which it states at each start.
    assert differ == {"log_identity", "recorded", "model", "active_model"}
    assert wrong(elsewhere) == {}
    assert elsewhere.status()["completed"] == len(before["image"])


def test_the_tables_are_equal_row_by_row(parts: Processes, elsewhere: Processes, tmp_path: Path) -> None:
    sink = full_of_history(parts, tmp_path)
    run(parts, "backup", str(tmp_path / "backup"))
    sink.stop()
    before = rows(parts.settings)
    run(elsewhere, "restore", str(tmp_path / "backup"), "--yes")
    restored = elsewhere.sink().wait_ready()
    eventually(lambda: elsewhere.lag("sink") == 0, "all is recorded")
    assert rows(elsewhere.settings) | {"log_identity": before["log_identity"]} == before
    assert restored.stop() == 0
    refused = run(elsewhere, "restore", str(tmp_path / "backup"), "--yes", code=2)
    assert "holds events: a backup is restored into empty topics only" in refused


def test_a_backup_while_everything_runs_misses_and_repeats_nothing(
    parts: Processes, elsewhere: Processes, tmp_path: Path
) -> None:
    parts.sink().wait_ready()
    parts.null_detector("d1", 0.5).wait_ready()
    importing = parts.start("import", str(card(tmp_path / "card", Hayfield=300)))
    eventually(lambda: sum(parts.ends("detections").values()) > 20, "outcomes come")
    run(parts, "backup", str(tmp_path / "backup"))
    assert parts.lag("detector") or importing.process.poll() is None, "it was still at work"
    eventually(lambda: importing.process.poll() == 0, "all is imported")
    parts.wait_drained()

    run(elsewhere, "restore", str(tmp_path / "backup"), "--yes")
    held = sum(len(found) for (topic, _), found in log_of(elsewhere.settings).items() if topic == "images")
    elsewhere.sink().wait_ready()
    elsewhere.null_detector().wait_ready()
    elsewhere.wait_drained()
    assert wrong(elsewhere) in ({}, {"file_not_named": elsewhere_files(elsewhere) - held})
    assert len(elsewhere.outcomes()) == held, "each is answered once, before or after"


def elsewhere_files(parts: Processes) -> int:
    return sum(1 for path in (parts.settings.data_dir / "store").rglob("*.jpg") if path.is_file())


def test_broken_off_it_is_told_and_begins_anew(parts: Processes, elsewhere: Processes, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    (folder).mkdir()
    (folder / UNFINISHED).touch()
    assert "broken off before it was complete" in run(elsewhere, "restore", str(folder), "--yes", code=2)
    parts.sink().wait_ready()
    parts.null_detector().wait_ready()
    run(parts, "import", str(card(tmp_path / "card", Hayfield=10)))
    parts.wait_drained()
    run(parts, "backup", str(folder))

    # As if killed in the middle: topics are there, marked, with something in them.
    make_restored(elsewhere.settings, dict.fromkeys(RECORDED, 4))
    assert sorted(unfinished_topics(elsewhere.settings)) == sorted(RECORDED)
    done = elsewhere.run("sink")
    assert (done.returncode, "was broken off" in done.stderr) == (2, True)
    assert elsewhere.run("restore", str(folder), "--yes").returncode == 0
    assert unfinished_topics(elsewhere.settings) == []
    assert log_of(elsewhere.settings) == log_of(parts.settings)


def test_what_cannot_be_is_refused(parts: Processes, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").touch()
    assert "is not empty and holds no backup" in run(parts, "backup", str(tmp_path / "other"), code=2)
    assert "there is no folder" in run(parts, "restore", str(tmp_path / "none"), "--yes", code=2)
    assert "holds no complete backup" in run(parts, "restore", str(tmp_path / "other"), "--yes", code=2)
    run(parts, "backup", str(tmp_path / "backup"))
    lock = os.open(tmp_path / "backup", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert "another backup into" in run(parts, "backup", str(tmp_path / "backup"), code=2)
    os.close(lock)
    foreign = parts.settings.model_copy(update={"topic_prefix": f"t{uuid4().hex[:10]}."})
    before_apps(foreign)
    done = parts.run("backup", str(tmp_path / "backup"), topic_prefix=foreign.topic_prefix)
    assert (done.returncode, "holds the backup of another log" in done.stderr) == (2, True)
    assert not (tmp_path / "backup" / UNFINISHED).exists()


def test_a_log_that_was_cut_and_aborted_in_comes_back(parts: Processes, elsewhere: Processes, tmp_path: Path) -> None:
    sink = full_of_history(parts, tmp_path)
    sink.stop()
    names = Names(parts.settings)
    cut = TopicPartition(names.topic("detections"), 0, 5)
    admin = make_admin(parts.settings)
    admin.delete_records([cut])[cut].result(30)
    take_backup(parts.settings, tmp_path / "backup", CLOCK, lambda _: None)
    run(elsewhere, "restore", str(tmp_path / "backup"), "--yes")
    assert log_of(elsewhere.settings) == log_of(parts.settings)
