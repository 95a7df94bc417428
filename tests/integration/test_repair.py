"""`thumper repair`: what the store holds and the log lacks gets its event again, once, and then its outcome."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cli.wiring import before_apps
from producers.known import ImportLock
from schemas.codec import decode
from schemas.image import ImageImported
from tests.processes import CLOCK, Processes, eventually, read_all
from tests.producers.pictures import card, exif, jpeg
from thumper.audit.audit import Asked, audit
from thumper.database import make_engine
from thumper.embedded.waiting import wait_until
from thumper.settings import Settings
from thumper.store import Store
from thumper.topics import ensure_topics

pytestmark = [pytest.mark.integration, pytest.mark.slow]
# What belongs to one telling of it, not to the picture.
TOLD = {"time", "import_id"}
# What only the card knew.
OF_THE_CARD = {"location", "path", "filename"}


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


def events(settings: Settings) -> list[ImageImported]:
    found = [decode("images", value) for value in read_all(settings, "images")]
    return sorted(found, key=lambda event: event.sha256)


def wrong(parts: Processes) -> dict[str, int]:
    return {kind: found.count for kind, found in audit(parts.settings, Asked(), CLOCK).findings.wrong.items()}


def repaired(parts: Processes, *words: str) -> str:
    done = parts.run("repair", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_file_without_an_event_gets_one_and_is_answered(parts: Processes) -> None:
    parts.sink()
    parts.null_detector()
    store = Store(parts.settings)
    for n in range(5):
        data = jpeg(n, exif())
        store.put(data, hashlib.sha256(data).hexdigest(), ".jpg")
    assert wrong(parts) == {"file_not_named": 5}

    assert repaired(parts, "--dry-run") == "repair: 5 pictures would be announced again"
    assert (events(parts.settings), wrong(parts)) == ([], {"file_not_named": 5})
    assert repaired(parts) == "repair: 5 pictures announced again"
    assert repaired(parts) == "repair: 0 pictures announced again"
    parts.wait_drained()
    assert wrong(parts) == {}
    assert parts.sql("SELECT processing_status, location_id, count(*) FROM images GROUP BY 1, 2") == [
        ("completed", None, 5)
    ]


def test_a_log_that_is_lost_is_told_again(parts: Processes, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", Hayfield=20)
    sink = parts.sink().wait_ready()
    assert parts.run("import", str(folder)).returncode == 0
    eventually(lambda: parts.lag("sink") == 0, "the sink has recorded the pictures")
    sink.stop()

    # Other topics, which hold nothing: with the tables that there are, and with none.
    empty = parts.settings.model_copy(update={"topic_prefix": f"t{uuid4().hex[:10]}."})
    ensure_topics(empty)
    done = parts.run("repair", topic_prefix=empty.topic_prefix)
    assert done.stdout == "repair: 20 pictures announced again\n", done.stderr
    before, after = events(parts.settings), events(empty)
    assert [event.model_dump(exclude=TOLD) for event in after] == [event.model_dump(exclude=TOLD) for event in before]

    other = empty.model_copy(update={"topic_prefix": f"t{uuid4().hex[:10]}."})
    ensure_topics(other)
    do_without = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
    engine = make_engine(parts.settings)
    with engine.begin() as connection:
        connection.exec_driver_sql(do_without)
    engine.dispose()
    done = parts.run("repair", topic_prefix=other.topic_prefix)
    assert done.stdout == "repair: 20 pictures announced again\n", done.stderr
    left = TOLD | OF_THE_CARD
    assert [event.model_dump(exclude=left) for event in events(other)] == [
        event.model_dump(exclude=left) for event in before
    ]
    assert all(event.location is None for event in events(other))


def test_it_waits_for_an_import(parts: Processes) -> None:
    data = jpeg(1)
    Store(parts.settings).put(data, hashlib.sha256(data).hexdigest(), ".jpg")
    engine = make_engine(parts.settings)
    lock = ImportLock(engine)
    assert lock.acquire()
    waiting = parts.start("repair")
    eventually(lambda: "Another import is running" in waiting.log, "it says that it waits")
    assert events(parts.settings) == []
    lock.release()
    engine.dispose()
    assert wait_until(lambda: waiting.process.poll() is not None, CLOCK, 60)
    assert (waiting.process.returncode, len(events(parts.settings))) == (0, 1)
    assert "repair: 1 pictures announced again" in waiting.log
