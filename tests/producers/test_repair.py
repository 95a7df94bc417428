"""What the store holds is announced as an import would announce it; what is no picture of ours is told."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from producers.delivery import Delivery
from producers.patience import Patience
from producers.repair import Description, RepairParts, RepairPlan, RepairSummary, repair
from schemas.image import image_id
from tests.producers.fakes import MemoryBroker
from tests.producers.pictures import encoded, exif, jpeg
from thumper.clock import SteppedClock
from thumper.errors import DatabaseDown
from thumper.settings import Settings
from thumper.store import Store


class KnownBefore:
    """Tables that still know some pictures; fails the next `failing` look-ups."""

    def __init__(self, known: Mapping[UUID, Description] | None = None, failing: int = 0) -> None:
        self._known = known or {}
        self._failing = failing

    def of(self, ids: Sequence[UUID]) -> Mapping[UUID, Description]:
        if self._failing:
            self._failing -= 1
            raise DatabaseDown("PostgreSQL does not answer", "is it running?")
        return {one: self._known[one] for one in ids if one in self._known}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(Settings(store=(tmp_path / "store").as_uri(), _env_file=None))
    made.open_or_create()
    return made


def put(store: Store, data: bytes, suffix: str = ".jpg") -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    store.put(data, sha256, suffix)
    return sha256


def run(store: Store, broker: MemoryBroker, known: KnownBefore | None = None, dry_run: bool = False) -> RepairSummary:
    clock = SteppedClock()
    patience = Patience(clock, lambda: False, lambda _: None, limit_s=10.0)
    parts = RepairParts(store, Delivery(broker, patience), known or KnownBefore(), clock, lambda: False)
    return repair(sorted(store.names()), parts, RepairPlan("repair-1", dry_run))


def test_a_picture_is_announced_as_by_an_import(store: Store) -> None:
    data = jpeg(1, exif())
    sha256, broker = put(store, data), MemoryBroker()
    summary = run(store, broker)
    assert (summary.announced, summary.refused, summary.not_in_log, summary.exit_code) == (1, 0, 0, 0)
    (event,) = broker.images()
    assert (event.sha256, event.uri, event.size_bytes) == (sha256, f"store:///{sha256[:2]}/{sha256}.jpg", len(data))
    assert (event.image, event.id, event.import_id) == (image_id(sha256), f"image:{image_id(sha256)}", "repair-1")
    assert (event.captured_at, event.captured_at_source) == (datetime(2024, 2, 6, 21, 33, 34), "exif")
    assert event.camera is not None
    assert (event.camera.make, event.media_type, event.width_px) == ("RECONYX", "image/jpeg", 16)
    assert (event.location, event.path, event.filename) == (None, None, None), "nobody knows where it was found"


def test_what_the_tables_still_know_is_said(store: Store) -> None:
    sha256 = put(store, jpeg(1))
    known = KnownBefore({image_id(sha256): Description("Hayfield", "Hayfield/IMG_20240206_213334.JPG")})
    broker = MemoryBroker()
    run(store, broker, known)
    (event,) = broker.images()
    assert (event.location, event.path) == ("Hayfield", "Hayfield/IMG_20240206_213334.JPG")
    assert (event.filename, event.captured_at_source) == ("IMG_20240206_213334.JPG", "filename")


def test_many_are_announced_once_each(store: Store) -> None:
    wanted = {put(store, jpeg(n)) for n in range(50)}
    broker = MemoryBroker(refusing=7)
    assert run(store, broker).announced == 50
    assert sorted(event.sha256 for event in broker.images()) == sorted(wanted)


def test_a_dry_run_sends_nothing(store: Store) -> None:
    sha256, broker = put(store, jpeg(1)), MemoryBroker()
    summary = run(store, broker, dry_run=True)
    assert (summary.announced, broker.log) == (1, [])
    assert summary.examples == [f"store:///{sha256[:2]}/{sha256}.jpg"]


def test_what_is_no_picture_of_ours_is_told(store: Store, tmp_path: Path) -> None:
    root, broker = tmp_path / "store", MemoryBroker()
    (root / "note.txt").write_text("what is this?")
    text = put(store, b"not a picture")
    renamed = put(store, encoded("PNG"), ".jpg")
    (root / "00").mkdir(exist_ok=True)
    (root / "00" / f"{'00' * 32}.jpg").write_bytes(jpeg(2))
    summary = run(store, broker)
    assert (summary.announced, summary.refused, summary.exit_code, broker.log) == (0, 4, 1, [])
    reasons = dict(line.removeprefix("store:///").split(": ", 1) for line in summary.complaints)
    assert reasons["note.txt"] == "its name is not the hash of a picture"
    assert "picture" in reasons[f"{text[:2]}/{text}.jpg"]
    assert reasons[f"{renamed[:2]}/{renamed}.jpg"] == f"an import would call it {renamed[:2]}/{renamed}.png"
    assert reasons[f"00/{'00' * 32}.jpg"] == "its bytes are not those that its name speaks of"


def test_a_removed_picture_is_not_brought_back(store: Store) -> None:
    known, marked, broker = put(store, jpeg(1)), put(store, jpeg(2)), MemoryBroker()
    uri = f"store:///{marked[:2]}/{marked}.jpg"
    store.remove(uri)
    put(store, jpeg(2))
    summary = run(store, broker, KnownBefore({image_id(known): Description(removed=True)}))
    assert (summary.announced, summary.refused, broker.log) == (0, 2, [])
    assert all("the picture was removed" in line for line in summary.complaints)


def test_a_broker_that_goes_away_leaves_the_rest(store: Store) -> None:
    for n in range(20):
        put(store, jpeg(n))
    summary = run(store, MemoryBroker(away=10**9))
    assert (summary.announced, summary.exit_code) == (0, 3)
    assert summary.stopped_because is not None
    assert "Kafka does not answer" in summary.stopped_because


def test_tables_that_are_away_stop_it(store: Store) -> None:
    put(store, jpeg(1))
    broker = MemoryBroker()
    summary = run(store, broker, KnownBefore(failing=1))
    assert (summary.announced, summary.exit_code, broker.log) == (0, 3, [])
    assert run(store, broker, KnownBefore()).announced == 1
