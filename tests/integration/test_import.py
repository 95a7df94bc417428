"""The import as people run it: a real broker, real tables, a real store, the real command."""

import csv
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.wiring import before_apps
from schemas.codec import decode
from schemas.fact import PlaceSeen
from schemas.image import ImageImported, image_id
from tests.processes import Part, Processes, eventually, free_port, read_all
from tests.producers.pictures import DATA, card, jpeg
from thumper.settings import Settings
from thumper.store import Store

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


@pytest.fixture
def sink(parts: Processes) -> Part:
    return parts.sink().wait_ready()


def events(parts: Processes) -> list[ImageImported]:
    return [decode("images", value) for value in read_all(parts.settings, "images")]


def places(parts: Processes) -> list[PlaceSeen]:
    facts = [decode("facts", value) for value in read_all(parts.settings, "facts")]
    return [fact for fact in facts if isinstance(fact, PlaceSeen)]


def stored(parts: Processes) -> list[Path]:
    return list((parts.settings.data_dir / "store").glob("[0-9a-f][0-9a-f]/*"))


def rows(parts: Processes) -> int:
    return int(parts.sql("SELECT count(*) FROM image")[0][0])


def wait_recorded(parts: Processes) -> None:
    eventually(lambda: parts.lag("sink") == 0, "the sink has recorded everything")


def assert_each_picture_is_one_image(parts: Processes, folder: Path) -> None:
    """In the log, in the tables and in the store: the pictures of the card, each once, with the bytes it has there."""
    wait_recorded(parts)
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.JPG")}
    told = [event.sha256 for event in events(parts)]
    assert len(told) == len(set(told))
    assert set(told) == wanted
    assert {row[0] for row in parts.sql("SELECT sha256 FROM image")} == wanted
    assert {path.stem for path in stored(parts)} == wanted
    store = Store(parts.settings)
    for event in events(parts):
        data = store.read(event.uri, event.size_bytes, 10**8)
        assert hashlib.sha256(data).hexdigest() == event.sha256


def test_importing_again_copies_elsewhere_and_places(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", **{"270_Jason": 30, "Hayfield": 20})
    (tmp_path / "places.csv").write_text(
        "name,latitude,longitude,camera,from,to,clock offset\n270_Jason,30.26,-97.74,RCNX-3,2024-01-01,,-1:00\n"
    )
    first = parts.run("import", str(folder), "--locations", "places.csv")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[0] == "[INFO] Found 50 total images in directory"
    for line in (
        "[OK] Copied images for 270_Jason",
        "[OK] Copied images for Hayfield",
        "[INFO] Already have 0 images in database",
        "[OK] Total new imports: 50",
    ):
        assert line in first.stdout.splitlines()
    # At once, without waiting for the sink: the second import does that itself.
    again = parts.run("import", str(folder))
    assert again.returncode == 0, again.stderr
    assert "[INFO] Already have 50 images in database" in again.stdout
    assert "[OK] Total new imports: 0" in again.stdout
    assert_each_picture_is_one_image(parts, folder)

    shutil.copytree(folder / "Hayfield", tmp_path / "other" / "Sanctuary")
    copied = parts.run("import", str(tmp_path / "other"))
    assert "[OK] Total new imports: 0" in copied.stdout
    assert "20 further places of known pictures" in copied.stdout
    wait_recorded(parts)
    assert len(places(parts)) == 20
    assert parts.sql("SELECT count(*), min(l.name) FROM place p JOIN location l USING (location_id)") == [
        (20, "Sanctuary")
    ]
    once_more = parts.run("import", str(tmp_path / "other"))
    assert "further places" not in once_more.stdout
    assert rows(parts) == 50
    assert parts.sql("SELECT latitude, longitude FROM location WHERE name = '270_Jason'") == [(30.26, -97.74)]
    assert parts.sql("SELECT camera, clock_offset_s FROM deployment") == [("RCNX-3", -3_600)]


def test_two_imports_at_once(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=300)
    both = [parts.start("import", str(folder)) for _ in range(2)]
    assert [part.process.wait(90) for part in both] == [0, 0]
    assert_each_picture_is_one_image(parts, folder)
    assert sum(f"[OK] Total new imports: {count}\n" in part.log for part in both for count in (0, 300)) == 2


def test_killed_at_any_moment_and_started_again(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=1_500)
    for limit in (1, 200, 700):
        killed = parts.start("import", str(folder), "--threads", "2")
        eventually(lambda at=limit: len(stored(parts)) >= at, "some pictures are stored", 60)  # type: ignore[misc]
        killed.kill()
    done = parts.run("import", str(folder))
    assert done.returncode == 0, done.stderr
    assert_each_picture_is_one_image(parts, folder)


def test_interrupted_and_gone_on(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=2_000)
    part = parts.start("import", str(folder), "--threads", "1")
    eventually(lambda: len(stored(parts)) >= 50, "some pictures are stored", 60)
    part.send(signal.SIGINT)
    assert part.process.wait(60) == 130, part.log
    wait_recorded(parts)
    imported = rows(parts)
    assert 0 < imported < 2_000
    assert f"interrupted: {imported} imported; run the same command again to go on" in part.log
    assert len(stored(parts)) == imported
    done = parts.run("import", str(folder))
    assert f"[INFO] Already have {imported} images in database" in done.stdout
    assert_each_picture_is_one_image(parts, folder)


@contextmanager
def written_slowly(path: Path, data: bytes) -> Iterator[None]:
    """A file that grows by a byte now and then, and gets the rest at the end."""
    end = threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as file:
            at = 0
            while not end.wait(0.2):
                file.write(data[at : at + 1])
                at += 1
            file.write(data[at:])

    writer = threading.Thread(target=write)
    writer.start()
    yield
    end.set()
    writer.join()


def test_watch(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=3)
    part = parts.start("import", str(folder), "--watch")
    eventually(lambda: rows(parts) == 3, "what lies there is imported")
    with written_slowly(folder / "Hayfield" / "growing.JPG", jpeg(99)):
        (folder / "Sanctuary").mkdir()
        (folder / "Sanctuary" / "new.JPG").write_bytes(jpeg(98))
        eventually(lambda: rows(parts) == 4, "what arrives is imported")
    eventually(lambda: rows(parts) == 5, "what was being written is imported whole")
    part.send(signal.SIGTERM)
    assert part.process.wait(60) == 0, part.log
    assert "[OK] Total new imports: 5" in part.log, part.log
    assert_each_picture_is_one_image(parts, folder)


def test_json_dry_run_and_in_place(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=10)
    (folder / "Hayfield" / "empty.JPG").write_bytes(b"")
    dry = parts.run("import", str(folder), "--dry-run", "--json")
    found = json.loads(dry.stdout)
    assert (dry.returncode, found["imported"], found["unreadable"], found["dry_run"]) == (1, 10, 1, True)
    assert "[INFO] Found 11 total images in directory" in dry.stderr
    assert (events(parts), stored(parts)) == ([], [])
    (tmp_path / "nothing").mkdir()
    nothing = parts.run("import", "nothing")
    assert (nothing.returncode, nothing.stdout.splitlines()[0]) == (0, "[INFO] Found 0 total images in directory")
    assert "[WARN] No picture is there" in nothing.stdout

    placed = parts.run("import", str(folder), "--in-place", "--location", "Hay field", roots=(tmp_path,))
    assert placed.returncode == 1, placed.stderr
    assert "[OK] Registered images in place for Hay field" in placed.stdout
    assert "empty.JPG: the file is empty (0 bytes)" in placed.stdout
    assert stored(parts) == []
    told = events(parts)
    assert {event.uri for event in told} == {path.as_uri() for path in folder.rglob("IMG_*.JPG")}
    assert {event.location for event in told} == {"Hay field"}


def test_what_is_needed_is_not_there(parts: Processes, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=5)
    no_broker = parts.run("import", str(folder), kafka_bootstrap=f"127.0.0.1:{free_port()}")
    assert no_broker.returncode == 3, no_broker.stderr
    assert "Kafka" in no_broker.stderr
    no_room = parts.run("import", str(folder), store_reserve_bytes=1 << 60)
    assert no_room.returncode == 2
    assert "--in-place" in no_room.stderr
    assert "bytes are new" in no_room.stderr
    assert parts.run("import", str(folder)).returncode == 0
    no_sink = parts.run("import", str(folder), "--wait-s", "1")
    assert no_sink.returncode == 2
    assert "5 events are in the log but not in the tables, and no sink seems to run" in no_sink.stderr
    parts.sink().wait_ready()
    wait_recorded(parts)
    (parts.settings.data_dir / "store" / ".thumper-store").rename(tmp_path / "marker")
    no_store = parts.run("import", str(folder))
    assert no_store.returncode == 3
    assert "is its disk mounted?" in no_store.stderr
    for done in (no_broker, no_room, no_sink, no_store):
        assert "Traceback" not in done.stderr
    assert len(events(parts)) == 5


def test_a_full_disk_does_not_matter_where_nothing_is_new(parts: Processes, sink: Part, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=5)
    assert parts.run("import", str(folder)).returncode == 0
    again = parts.run("import", str(folder), store_reserve_bytes=1 << 60)
    assert again.returncode == 0, again.stderr
    assert "The store's disk is tight" in again.stdout
    assert "[INFO] Already have 5 images in database" in again.stdout


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared pictures are not here")
def test_real_and_odd_pictures(parts: Processes, sink: Part) -> None:
    """52 real pictures and 25 odd files: each gets what its manifest leads one to expect."""
    done = parts.run("import", str(DATA))
    assert done.returncode == 1, done.stderr
    listed = csv.DictReader((DATA / "MANIFEST.tsv").read_text("utf-8").splitlines(), delimiter="\t")
    manifest = {row["path"]: row for row in listed if not row["path"].startswith("weights/")}
    refused = {path for path in manifest if path.endswith((".gif", "zero_bytes.JPG", "text_renamed.jpg"))}
    assert f"[INFO] Found {len(manifest) - 2} total images in directory" in done.stdout
    assert f"[OK] Total new imports: {len(manifest) - 4}" in done.stdout
    assert "zero_bytes.JPG: the file is empty" in done.stdout
    assert "text_renamed.jpg: not a picture: it is text" in done.stdout
    wait_recorded(parts)
    found = {
        row[0]: row[1:]
        for row in parts.sql("SELECT path, sha256, size_bytes, width_px, height_px, captured_at, image_id FROM image")
    }
    assert set(found) == set(manifest) - refused
    for path, (sha256, size_bytes, width, height, captured_at, image) in found.items():
        row = manifest[path]
        assert sha256 == row["sha256"]
        assert (str(size_bytes), str(width), str(height)) == (row["bytes"], row["width"], row["height"])
        assert str(image) == str(image_id(sha256))
        expected = None if row["datetime_original"][:4] in ("-", "0000") else row["datetime_original"][:19]
        assert (captured_at and captured_at.strftime("%Y:%m:%d %H:%M:%S")) == expected


def test_ten_times_the_files_cost_no_more_memory(tmp_path: Path) -> None:
    """Walking and reading what is known already: peak memory does not follow the number of files."""
    peaks = []
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:06}.jpg").write_bytes(number.to_bytes(4, "big"))
        script = (
            "import os, resource, sys\n"
            "from producers.importer import ImportParts, ImportPlan, run_import\n"
            "from producers.find import Finder, open_source\n"
            "from tests.producers.fakes import Lines, MemoryBroker, MemoryStore, MemoryTables\n"
            "from thumper.clock import SystemClock\n"
            "source = open_source(os.fsencode(sys.argv[1]))\n"
            "parts = ImportParts(MemoryStore(), MemoryBroker(), MemoryTables(), SystemClock(), lambda: False)\n"
            "done = run_import(ImportPlan((source,), 'x'), parts, Lines(), Finder([source.folder]))\n"
            "print(done.unreadable, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        )
        root = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-c", script, str(folder)],
            env={"PYTHONPATH": root},
            capture_output=True,
            text=True,
            check=True,
        )
        unreadable, peak_kb = map(int, done.stdout.split())
        assert unreadable == count
        peaks.append(peak_kb)
    assert peaks[1] - peaks[0] < 8_000, peaks
