"""`thumper remove` with real processes: what goes, what stays, and that nothing brings it back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.wiring import before_apps
from producers.known import ImportLock
from schemas.image import location_id
from tests.integration.test_rebuild import rows
from tests.processes import CLOCK, Part, Processes, eventually, free_port
from tests.producers.pictures import card
from thumper.audit.audit import Asked, audit
from thumper.database import make_engine
from thumper.kafka import Names
from thumper.settings import Settings
from thumper.store import Store

pytestmark = [pytest.mark.integration, pytest.mark.slow]
HAYFIELD, SANCTUARY = 20, 6


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


@pytest.fixture
def running(parts: Processes, tmp_path: Path) -> tuple[Part, Part]:
    """A sink and a detector that have done all of a card."""
    found = parts.sink().wait_ready(), parts.null_detector().wait_ready()
    card(tmp_path / "card", Hayfield=HAYFIELD, Sanctuary=SANCTUARY)
    assert parts.run("import", str(tmp_path / "card")).returncode == 0
    parts.wait_drained()
    return found


def wrong(parts: Processes, **asked: object) -> dict[str, int]:
    report = audit(parts.settings, Asked(**asked), CLOCK)  # type: ignore[arg-type]
    return {kind: found.count for kind, found in report.findings.wrong.items()}


def removed(parts: Processes, *words: str) -> list[str]:
    done = parts.run("remove", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def place_at_start(parts: Processes, detector: Part) -> None:
    """Set the detector back to the log's start; it is stopped."""
    assert detector.stop() == 0
    names = Names(parts.settings)
    words = ("--group", names.group("detector"), "--topic", names.topic("images"), "--reset-offsets", "--to-earliest")
    done = parts.run("kafka", "kafka-consumer-groups", *words, "--execute")
    assert done.returncode == 0, done.stderr


def numbers(parts: Processes) -> list[int]:
    found = parts.status()
    return [found[name] for name in ("total", "pending", "processing", "completed", "failed")]


def test_a_location_goes(parts: Processes, running: tuple[Part, Part]) -> None:
    before = rows(parts.settings)
    uris = [uri for (uri,) in parts.sql("SELECT uri FROM image WHERE path LIKE 'Sanctuary%'")]
    ids = [str(one) for (one,) in parts.sql("SELECT image_id FROM image WHERE path LIKE 'Sanctuary%'")]
    kept = HAYFIELD

    shown = removed(parts, "--location", "Sanctuary", "--dry-run")
    assert shown[0] == f"[INFO] {SANCTUARY} pictures are meant"
    assert "[INFO] Locations: Sanctuary 6" in shown
    assert sum(any(one in line for line in shown) for one in ids) == SANCTUARY
    assert parts.run("remove", "--location", "Sanctuary").returncode == 2, "nothing was typed"
    done = parts.run("remove", "--location", "Sanctuary", "--yes", "5")
    assert (done.returncode, "6 pictures are meant, not 5" in done.stderr) == (2, True)
    assert rows(parts.settings) == before

    words = ("--location", "Sanctuary", "--yes", str(SANCTUARY), "--reason", "people")
    assert removed(parts, *words)[-1] == "remove: 6 pictures removed, 6 files deleted in the store"
    store = Store(parts.settings)
    assert not any(store.exists(uri) for uri in uris)
    assert [str(one) for (one,) in parts.sql("SELECT image_id FROM removed ORDER BY 1")] == sorted(ids)
    for name, found in rows(parts.settings).items():
        assert name == "removed" or not [row for row in found if any(one in row for one in ids)], name
    assert numbers(parts) == [kept, 0, 0, kept, 0]
    assert wrong(parts, deep=True) == {}
    assert removed(parts, "--location", "Sanctuary")[0] == "[INFO] 0 pictures are meant"


def test_nothing_brings_it_back_unless_it_is_wanted(
    parts: Processes, running: tuple[Part, Part], tmp_path: Path
) -> None:
    sink, detector = running
    kept = HAYFIELD
    removed(parts, "--location", "Sanctuary", "--yes", str(SANCTUARY))
    # The same card again: what was removed stays out.
    done = parts.run("import", str(tmp_path / "card"))
    assert (done.returncode, "[OK] Total new imports: 0" in done.stdout) == (0, True)
    assert "[WARN] 6 pictures were removed before, and stay out" in done.stdout
    assert parts.run("repair").stdout == "repair: 0 pictures announced again\n"

    # A replay: the detector passes by them, and nobody sees a failure.
    place_at_start(parts, detector)
    replaying = parts.null_detector().wait_ready()
    parts.wait_drained()
    assert numbers(parts) == [kept, 0, 0, kept, 0]
    assert replaying.log.count("Picture was removed") == SANCTUARY
    assert "Detection failed" not in replaying.log
    assert parts.sql("SELECT count(*) FROM result WHERE state = 2") == [(0,)]
    assert wrong(parts) == {}

    # Tables made anew from the log are the same.
    lived = rows(parts.settings)
    sink.stop()
    rebuild = parts.start("rebuild", "--yes")
    eventually(lambda: "Waiting for a sink" in rebuild.log, "it asks for a sink")
    parts.sink()
    eventually(lambda: rebuild.process.poll() == 0, "it ends")
    assert rows(parts.settings) == lived

    # Told so, an import brings them back, as new pictures.
    done = parts.run("import", "--even-removed", str(tmp_path / "card"))
    assert "[OK] Total new imports: 6" in done.stdout
    parts.wait_drained()
    assert numbers(parts) == [kept + SANCTUARY, 0, 0, kept + SANCTUARY, 0]
    assert wrong(parts, deep=True) == {}
    assert parts.sql("SELECT count(*) FROM result WHERE group_id = 'detector'") == [(kept + SANCTUARY,)]


def test_choosing(parts: Processes, running: tuple[Part, Part], tmp_path: Path) -> None:
    rows = parts.sql("SELECT image_id, import_id, taken_at FROM image ORDER BY path")
    (name, with_it), *_ = parts.sql(
        "SELECT class_name, count(DISTINCT image_id) FROM detections GROUP BY 1 ORDER BY 2 LIMIT 1"
    )
    (tmp_path / "ids.txt").write_text(f"{rows[0][0]}\n\n{rows[1][0]}\n")
    for words, count in (
        (("--id", str(rows[0][0])), 1),
        (("--ids", str(tmp_path / "ids.txt")), 2),
        (("--import", str(rows[0][1])), HAYFIELD + SANCTUARY),
        (("--import", "another"), 0),
        (("--location", "Hayfield"), HAYFIELD),
        (("--location", str(location_id("Sanctuary"))), SANCTUARY),
        (("--class", name), with_it),
        (("--class", name, "--confidence", "1"), 0),
        (("--class", name, "--location", "nowhere"), 0),
        (("--from", "1990-01-01", "--to", "2100-01-01"), sum(row[2] is not None for row in rows)),
        (("--to", "1990-01-01T00:00:00"), 0),
    ):
        assert removed(parts, *words, "--dry-run")[0] == f"[INFO] {count} pictures are meant", words
    refused: tuple[tuple[tuple[str, ...], str], ...] = (
        ((), "nothing says which pictures"),
        (("--to", "yesterday"), "is no time"),
        (("--ids", str(tmp_path / "none.txt")), "cannot be read"),
    )
    for wrongly, complaint in refused:
        done = parts.run("remove", *wrongly)
        assert (done.returncode, complaint in done.stderr, "Traceback" in done.stderr) == (2, True, False), wrongly


def test_broken_off_it_is_seen_and_the_same_again_does_the_rest(
    parts: Processes, running: tuple[Part, Part], tmp_path: Path
) -> None:
    # As if killed between deleting and telling.
    (image, uri) = parts.sql("SELECT image_id, uri FROM image ORDER BY image_id LIMIT 1")[0]
    assert Store(parts.settings).remove(uri)
    assert wrong(parts) == {"removal_unfinished": 1}
    assert removed(parts, "--id", str(image), "--yes", "1")[-1].startswith("remove: 1 pictures removed, 0 files")
    assert wrong(parts) == {}
    # A file that somebody puts back is told.
    data = next(path for path in (tmp_path / "card").rglob("*.JPG")).read_bytes()
    store = Store(parts.settings)
    sha256, other = parts.sql("SELECT sha256, image_id FROM image WHERE uri LIKE '%.jpg' LIMIT 1")[0]
    removed(parts, "--id", str(other), "--yes", "1")
    store.put(data, sha256, ".jpg")
    assert wrong(parts) == {"file_of_removed": 1}


def test_originals_in_place_stay_and_are_not_looked_at_again(parts: Processes, tmp_path: Path) -> None:
    folder = card(tmp_path / "originals", Hayfield=3)
    inside: dict[str, Any] = {"roots": (folder,)}
    parts.start("sink", "--name", "sink", **inside).wait_ready()
    first = parts.start("detector", "--name", "d1", program="tests.faults.null_detector", **inside).wait_ready()
    assert parts.run("import", "--in-place", str(folder), **inside).returncode == 0
    parts.wait_drained()
    done = parts.run("remove", "--location", "Hayfield", "--yes", "3", **inside)
    assert done.returncode == 0, done.stderr
    assert "3 lie outside the store (imported in place): their files are not deleted" in done.stdout
    assert len(list(folder.rglob("*.JPG"))) == 3
    place_at_start(parts, first)
    again = parts.start("detector", "--name", "d2", program="tests.faults.null_detector", **inside).wait_ready()
    parts.wait_drained()
    assert again.log.count("Picture was removed") == 3
    assert numbers(parts) == [0, 0, 0, 0, 0]
    assert wrong(parts) == {}


def test_many_removed_pictures_are_no_outage(parts: Processes, running: tuple[Part, Part], tmp_path: Path) -> None:
    """Fifty missing files in a row stop a group; removed ones are not missing."""
    card(tmp_path / "more", Creek=90)
    assert parts.run("import", str(tmp_path / "more")).returncode == 0
    parts.wait_drained()
    left = parts.sql("SELECT count(*) FROM image WHERE location_id <> :id", id=str(location_id("Creek")))[0][0]
    creek = parts.sql("SELECT count(*) FROM image WHERE location_id = :id", id=str(location_id("Creek")))[0][0]
    assert creek > 50
    removed(parts, "--location", "Creek", "--yes", str(creek))
    place_at_start(parts, running[1])
    again = parts.null_detector().wait_ready()
    parts.wait_drained()
    assert again.log.count("Picture was removed") == creek
    assert "in a row are missing" not in again.log
    assert numbers(parts) == [left, 0, 0, left, 0]


def test_it_waits_for_an_import(parts: Processes, running: tuple[Part, Part]) -> None:
    engine = make_engine(parts.settings)
    lock = ImportLock(engine)
    assert lock.acquire()
    waiting = parts.start("remove", "--location", "Sanctuary", "--yes", str(SANCTUARY))
    eventually(lambda: "Another import is running" in waiting.log, "it says that it waits")
    assert numbers(parts)[0] == HAYFIELD + SANCTUARY
    lock.release()
    engine.dispose()
    eventually(lambda: waiting.process.poll() == 0, "it ends")
    assert numbers(parts)[0] == HAYFIELD
