"""The import with real files, and a store, a broker and tables made by hand."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from uuid import UUID

from producers import importer
from producers.find import Finder, Found, Source, Trouble, open_source
from producers.importer import ImportParts, ImportPlan, run_import
from producers.tally import ImportSummary
from schemas.image import image_id
from tests.producers.fakes import Lines, MemoryBroker, MemoryStore, MemoryTables
from tests.producers.pictures import card, exif, jpeg
from thumper.clock import SteppedClock


class Rig:
    """An import of one folder, with everything at hand afterwards."""

    def __init__(self, folder: Path, **plan: object) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.broker = MemoryBroker()
        self.tables = MemoryTables()
        self.lines = Lines()
        self.clock = SteppedClock()
        self.stopped: Callable[[], bool] = lambda: False
        self.plan = plan

    def run(self, pictures: Iterable[Found | Trouble] | None = None, location: str | None = None) -> ImportSummary:
        source = open_source(os.fsencode(self.folder))
        plan = ImportPlan((source,), "import-1", **self.plan)  # type: ignore[arg-type]
        parts = ImportParts(self.store, self.broker, self.tables, self.clock, self.stopped)
        return run_import(plan, parts, self.lines, pictures or Finder([source.folder], location))

    def again(self) -> ImportSummary:
        """The sink has recorded everything; the same command once more."""
        self.tables.record(event for _, event in self.broker.log)
        return self.run()


def test_each_picture_is_stored_and_then_told(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", **{"270_Jason": 3, "Hayfield": 2}))
    summary = rig.run()
    assert (summary.imported, summary.unreadable, summary.exit_code) == (5, 0, 0)
    assert summary.locations == {"270_Jason": 3, "Hayfield": 2}
    for event in rig.broker.images():
        data = rig.store.kept[event.uri]
        assert hashlib.sha256(data).hexdigest() == event.sha256
        assert event.size_bytes == len(data)
        assert event.image_id == image_id(event.sha256)
        assert event.id == f"image:{event.image_id}"
        assert event.import_id == "import-1"
        assert (event.media_type, event.width_px, event.height_px) == ("image/jpeg", 16, 12)
    assert sorted(str(event.path) for event in rig.broker.images())[0] == "270_Jason/IMG_0000.JPG"
    assert [line for line in rig.lines.said if "[OK]" in line] == [
        "[OK] Copied images for 270_Jason",
        "[OK] Copied images for Hayfield",
    ]


def test_what_the_picture_says_is_in_its_event(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.JPG").write_bytes(jpeg(1, exif()))
    (tmp_path / "IMG_20240206_213334.jpg").write_bytes(jpeg(2))
    rig = Rig(tmp_path)
    summary = rig.run(location="Hayfield")
    events = {event.filename: event for event in rig.broker.images()}
    told = events["IMG_1.JPG"]
    assert told.camera is not None
    assert (str(told.captured_at), told.captured_at_source, told.camera.make) == (
        "2024-02-06 21:33:34",
        "exif",
        "RECONYX",
    )
    assert events["IMG_20240206_213334.jpg"].captured_at_source == "filename"
    assert {event.location for event in events.values()} == {"Hayfield"}
    assert (summary.exif_times, summary.filename_times) == (1, 1)


def test_the_same_folder_again_sends_nothing(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=7))
    rig.run()
    before = len(rig.broker.log)
    again = rig.again()
    assert (again.imported, again.known, again.further_places) == (0, 7, 0)
    assert len(rig.broker.log) == before


def test_what_was_removed_stays_out_unless_it_is_wanted(tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=4)
    first = Rig(folder)
    first.run()
    gone, *others = first.broker.images()

    rig = Rig(folder)
    rig.tables.record(others)
    rig.tables.gone = {gone.image}
    summary = rig.run()
    assert (summary.imported, summary.known, summary.removed, summary.settled) == (0, 3, 1, 4)
    assert (summary.exit_code, rig.store.kept, rig.broker.log) == (0, {}, [])

    back = Rig(folder, even_removed=True)
    back.tables.record(others)
    back.tables.gone = {gone.image}
    assert back.run().imported == 1
    assert [event.image for event in back.broker.images()] == [gone.image]
    assert back.store.readmitted == [gone.uri]
    assert back.again().known == 4


def test_a_copy_elsewhere_becomes_a_fact(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=1))
    (tmp_path / "card" / "Sanctuary").mkdir()
    (tmp_path / "card" / "Sanctuary" / "copy.jpg").write_bytes((tmp_path / "card/Hayfield/IMG_0000.JPG").read_bytes())
    summary = rig.run()
    assert (summary.imported, summary.further_places) == (1, 1)
    (event,), (fact,) = rig.broker.images(), rig.broker.places()
    assert fact.image_id == event.image_id
    assert {(event.location, event.path), (fact.location, fact.path)} == {
        ("Hayfield", "Hayfield/IMG_0000.JPG"),
        ("Sanctuary", "Sanctuary/copy.jpg"),
    }
    again = rig.again()
    assert (again.imported, again.known, again.further_places) == (0, 2, 0)


def test_a_known_picture_under_another_name_becomes_a_fact(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=2))
    rig.run()
    (tmp_path / "card/Hayfield/IMG_0000.JPG").rename(tmp_path / "card/Hayfield/renamed.JPG")
    again = rig.again()
    assert (again.imported, again.known, again.further_places) == (0, 1, 1)
    assert [fact.path for fact in rig.broker.places()] == ["Hayfield/renamed.JPG"]


def test_a_thousand_copies_of_one_picture_are_one_picture(tmp_path: Path) -> None:
    (tmp_path / "Hayfield").mkdir()
    for number in range(1_500):
        (tmp_path / "Hayfield" / f"{number}.jpg").write_bytes(jpeg(1))
    rig = Rig(tmp_path)
    summary = rig.run()
    assert (summary.imported, summary.further_places) == (1, 1_499)
    assert len({fact.id for fact in rig.broker.places()}) == 1_499


def test_bad_files_are_listed_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=3))
    hayfield = tmp_path / "card" / "Hayfield"
    (hayfield / "empty.jpg").write_bytes(b"")
    (hayfield / "letter.jpg").write_bytes(b"Dear ranch, no picture here.\n")
    (hayfield / "notes.txt").write_bytes(b"nothing")
    (hayfield / ".Trashes").mkdir()
    (hayfield / "._IMG_0000.JPG").write_bytes(b"x")
    os.mkfifo(hayfield / "pipe.jpg")
    (hayfield / "nowhere.jpg").symlink_to("gone.jpg")
    rig.store.failing = 0
    summary = rig.run()
    assert (summary.imported, summary.unreadable, summary.exit_code) == (3, 4, 1)
    reasons = {Path(one.path).name: one.reason for one in summary.complaints}
    assert reasons == {
        "empty.jpg": "the file is empty (0 bytes)",
        "letter.jpg": "not a picture: it is text",
        "pipe.jpg": "not a regular file",
        "nowhere.jpg": "a link to nothing",
    }
    assert len(rig.store.kept) == 3


def test_complaints_are_capped(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"")
    summary = Rig(tmp_path).run()
    assert summary.unreadable == 60
    assert len(summary.complaints) == 50


def test_copies_of_a_bad_file_are_bad_too(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(b"the same text")
    rig = Rig(tmp_path)
    summary = rig.run()
    assert (summary.unreadable, rig.broker.log) == (20, [])


def test_a_file_that_vanishes_after_it_was_listed(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=30))
    folder = os.fsencode(rig.folder)

    def listed() -> Iterator[Found | Trouble]:
        items = list(Finder([folder]))
        (tmp_path / "card/Hayfield/IMG_0007.JPG").unlink()
        yield from items

    summary = rig.run(listed())
    assert (summary.imported, summary.unreadable, summary.stopped_because, summary.exit_code) == (29, 1, None, 1)
    assert summary.complaints[0].reason == "it vanished after it was listed"


def test_a_card_that_is_pulled_out(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=400))

    def pulled() -> Iterator[Found | Trouble]:
        for number, item in enumerate(Finder([os.fsencode(rig.folder)])):
            if number == 300:
                rig.folder.rename(tmp_path / "in the pocket")
            yield item

    summary = rig.run(pulled())
    assert "pulled out" in (summary.stopped_because or "")
    assert summary.exit_code == 3
    assert 0 < summary.imported == len(rig.broker.images()) < 400
    assert summary.unreadable == 0
    assert not any("[OK] Copied" in line for line in rig.lines.said)
    (tmp_path / "in the pocket").rename(rig.folder)
    again = rig.again()
    assert again.imported + again.known == 400
    assert len({event.image_id for event in rig.broker.images()}) == len(rig.broker.images()) == 400


def test_device_errors_in_a_row_end_it(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=1))
    troubles = (Trouble(b"/card/%d.jpg" % number, "input/output error", errno.EIO) for number in range(100))
    summary = rig.run(troubles)
    assert "pulled out" in (summary.stopped_because or "")
    assert summary.unreadable < importer.MAX_DEVICE_ERRORS + 1


class TestKafkaAway:
    def test_for_a_while(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.broker.away = 4
        summary = rig.run()
        assert (summary.imported, summary.exit_code) == (20, 0)
        assert any("[WARN] Kafka does not answer" in line for line in rig.lines.said)
        assert rig.clock.now_s() >= 0.5 + 1 + 2 + 4

    def test_for_good(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.broker.away = 10**9
        summary = rig.run()
        assert (summary.imported, summary.exit_code) == (0, 3)
        assert "Kafka" in (summary.stopped_because or "")
        assert 250 <= rig.clock.now_s() <= 330
        rig.broker.away = 0
        assert rig.again().imported == 20

    def test_only_what_is_acknowledged_counts(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.broker.refusing = 10**9
        summary = rig.run()
        assert (summary.imported, summary.not_in_log, rig.broker.log) == (0, 20, [])
        assert summary.exit_code == 3

    def test_refused_events_are_sent_again(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.broker.refusing = 15
        summary = rig.run()
        assert (summary.imported, summary.not_in_log) == (20, 0)
        assert len({event.image_id for event in rig.broker.images()}) == 20


class TestStoreAway:
    def test_for_a_while(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.store.failing = 30
        summary = rig.run()
        assert (summary.imported, summary.exit_code) == (20, 0)
        assert any("the disk is full; trying again" in line for line in rig.lines.said)

    def test_for_good(self, tmp_path: Path) -> None:
        rig = Rig(card(tmp_path / "card", Hayfield=20))
        rig.store.failing = 10**9
        summary = rig.run()
        assert (summary.imported, summary.exit_code, summary.stopped_because) == (0, 3, "the disk is full")
        assert rig.broker.log == []

    def test_its_reserve_is_kept(self, tmp_path: Path) -> None:
        size = len(jpeg(1))
        rig = Rig(card(tmp_path / "card", Hayfield=20), reserve_bytes=1_000, threads=1)
        rig.store = MemoryStore(free=1_000 + 5 * size + 10)
        summary = rig.run()
        assert summary.imported == 5
        assert "reserve" in (summary.stopped_because or "")
        assert "--in-place" in (summary.stopped_because or "")


def test_database_away_for_a_while(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=5))
    rig.tables.failing = 3
    summary = rig.run()
    assert (summary.imported, summary.exit_code) == (5, 0)
    assert any("PostgreSQL" in line for line in rig.lines.said)


def test_database_away_for_good(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=5))
    rig.tables.failing = 10**9
    summary = rig.run()
    assert (summary.imported, summary.exit_code) == (0, 3)


def test_the_database_is_asked_for_many_at_once(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=500))
    rig.run()
    assert rig.tables.asked < 250


def test_interrupted_in_the_middle(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=900))
    stop = threading.Event()
    rig.stopped = stop.is_set

    def until() -> Iterator[Found | Trouble]:
        for number, item in enumerate(Finder([os.fsencode(rig.folder)])):
            if number == 450:
                stop.set()
            yield item

    summary = rig.run(until())
    assert (summary.interrupted, summary.exit_code) == (True, 130)
    assert summary.imported == len(rig.broker.images()) == 450
    stop.clear()
    again = rig.again()
    assert (again.imported, again.known) == (450, 450)


def test_dry_run_touches_nothing(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=5), dry_run=True)
    (rig.folder / "Hayfield" / "copy.jpg").write_bytes((rig.folder / "Hayfield" / "IMG_0000.JPG").read_bytes())
    summary = rig.run()
    assert (summary.imported, summary.further_places) == (5, 1)
    assert (rig.broker.log, rig.store.kept) == ([], {})


def test_in_place_copies_nothing(tmp_path: Path) -> None:
    rig = Rig(card(tmp_path / "card", Hayfield=5), in_place=True)
    rig.run()
    assert rig.store.kept == {}
    assert {event.uri for event in rig.broker.images()} == {
        f"file://{tmp_path}/card/Hayfield/IMG_000{number}.JPG" for number in range(5)
    }
    assert rig.lines.said == ["[OK] Registered images in place for Hayfield"]


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "small.jpg").write_bytes(jpeg(1))
    summary = Rig(tmp_path, max_picture_bytes=1_000_000).run()
    assert (summary.imported, summary.unreadable) == (1, 1)
    assert "THUMPER_MAX_PICTURE_BYTES" in summary.complaints[0].reason


def test_ids_do_not_depend_on_the_run(tmp_path: Path) -> None:
    first, second = (Rig(card(tmp_path / "card", Hayfield=5)) for _ in range(2))
    first.run()
    second.run()

    def ids(rig: Rig) -> set[tuple[str | None, UUID | None]]:
        return {(event.id, event.image_id) for event in rig.broker.images()}

    assert ids(first) == ids(second)


def test_source_is_another_volume() -> None:
    assert not Source(b"/proc", volume=-1).is_there()
