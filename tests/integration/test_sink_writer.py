"""The writer on a real PostgreSQL: what wins, what is refused, what it survives."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg2
import pytest

from schemas.envelope import Event
from schemas.fact import CorrectionMade, DeploymentStated, LocationStated, PlaceSeen
from schemas.image import location_id
from sinks.postgres.fold import fold
from sinks.postgres.recorder import Recorder, Taken
from sinks.postgres.writer import PostgresWriter, Written
from tests.sinks.events import (
    TAKEN_AT,
    activated,
    added,
    at,
    box,
    completed,
    failed,
    image,
    imported,
    origin,
    requested,
)
from tests.sinks.tables import Tables, tables
from thumper.clock import SystemClock
from thumper.errors import DatabaseDown, Fatal, Poison

pytestmark = pytest.mark.integration

WAIT_S = 20.0


@pytest.fixture
def db(fresh_database: str) -> Iterator[Tables]:
    with tables(fresh_database) as found:
        found.write((at("facts", 0), added()), (at("facts", 1), activated()))
        yield found


def taken(topic: str, offset: int, event: Event) -> Taken:
    return Taken(at(topic, offset, event=event), event)


def state(db: Tables, n: int) -> int:
    return int(db.ask("SELECT state FROM image WHERE image_id = :id", id=image(n))[0][0])


# What wins.


def test_what_is_written_twice_is_absorbed(db: Tables) -> None:
    items = [(at("images", 0), imported(0)), (at("detections", 0), completed(0, box()))]
    assert db.write(*items) == Written(results=1, images=1, absorbed=0)
    before = db.rows()
    assert db.write(*items) == Written(results=0, images=0, absorbed=2)
    assert db.rows() == before


def test_new_and_newer_rows_are_counted_by_table(db: Tables) -> None:
    items = [
        (at("facts", 2), LocationStated(type="location.stated", name="Hayfield", latitude=29.8, longitude=-97.3)),
        (at("images", 0), imported(0)),
        (at("requests", 0), requested(0)),
        (at("detections", 0), completed(0, box(), box())),
        (at("detections", 1), completed(1)),
    ]
    assert db.write(*items).rows == {"location": 1, "image": 1, "request_state": 1, "result": 2, "box": 2}
    assert db.write(*items).rows == {}
    later = [(at("images", 7), imported(0, "TinMan")), (at("detections", 9), completed(0, box())), items[-1]]
    assert db.write(*later).rows == {"location": 1, "image": 1, "place": 1, "result": 1, "box": 1}


def test_an_older_outcome_never_wins_and_a_failure_keeps_the_last_good_result(db: Tables) -> None:
    result = "SELECT state, log_offset, good_offset, box_count, error_class FROM result"
    db.write((at("images", 0), imported(0)), (at("detections", 5), completed(0, box(), box())))
    db.write((at("detections", 3), completed(0)))
    assert db.ask(result) == [(1, 5, 5, 2, None)]
    db.write((at("detections", 9), failed(0)))
    assert (db.ask(result), state(db, 0)) == ([(2, 9, 5, 2, "missing")], 2)
    db.write((at("detections", 7), completed(0, box())))
    assert (db.ask(result), state(db, 0)) == ([(2, 9, 7, 1, "missing")], 2)
    assert db.ask("SELECT count(*) FROM box") == [(1,)]
    db.write((at("detections", 12), completed(0)))
    assert (db.ask(result), state(db, 0)) == ([(1, 12, 12, 0, None)], 1)
    assert db.ask("SELECT count(*) FROM box") == [(0,)]


def test_an_outcome_may_come_before_its_picture(db: Tables) -> None:
    db.write((at("detections", 0), completed(0)))
    assert db.ask("SELECT count(*) FROM image") == [(0,)]
    db.write((at("images", 0), imported(0)))
    assert state(db, 0) == 1


def test_a_picture_is_to_be_done_while_a_request_is_unanswered(db: Tables) -> None:
    db.write((at("images", 0), imported(0)), (at("detections", 0), completed(0)))
    db.write((at("requests", 4), requested(0)))
    assert state(db, 0) == 0
    db.write((at("detections", 1), completed(0, of=origin(3, 0, "requests"))))
    assert state(db, 0) == 0
    db.write((at("detections", 2), failed(0, of=origin(4, 0, "requests"))))
    assert state(db, 0) == 2


def test_a_request_for_a_model_counts_while_that_model_is_the_active_one(db: Tables) -> None:
    db.write(
        (at("images", 0), imported(0)), (at("detections", 0), completed(0)), (at("requests", 0), requested(0, "m2"))
    )
    db.write((at("detections", 1), completed(0, name="m2")))
    assert state(db, 0) == 1
    db.write((at("facts", 2), activated("m2")))
    assert state(db, 0) == 0
    db.write((at("detections", 2), completed(0, name="m2", of=origin(0, 0, "requests"))))
    assert state(db, 0) == 1


def test_activation_recomputes_all_states_in_one_transaction(db: Tables) -> None:
    db.write(*((at("images", n), imported(n)) for n in range(5)))
    db.write(*((at("detections", n), completed(n)) for n in range(4)), (at("detections", 9), failed(0, name="m2")))
    assert [state(db, n) for n in range(5)] == [1, 1, 1, 1, 0]
    db.write((at("facts", 5), activated("m2")))
    assert [state(db, n) for n in range(5)] == [2, 0, 0, 0, 0]
    db.write((at("facts", 3), activated("m1")))
    assert db.ask("SELECT model_id FROM active_model") == [("m2",)], "an older activation does not win"
    assert db.wrong_counters() == db.wrong_states() == []


def test_a_picture_imported_again_keeps_its_description_and_moves_in_the_log(db: Tables) -> None:
    db.write((at("images", 3), imported(0, "Hayfield")))
    db.write((at("images", 9), imported(0, "Sanctuary", "second import")))
    db.write((at("images", 1), imported(0, "TinMan")))
    query = "SELECT given_location_id, location_id, first_offset, log_offset FROM image"
    tin_man = location_id("TinMan")
    assert db.ask(query) == [(tin_man, tin_man, 1, 9)]
    assert sorted(db.ask("SELECT path, log_offset, import_id FROM place")) == [
        ("Hayfield/IMG_0.JPG", 3, None),
        ("Sanctuary/IMG_0.JPG", 9, "second import"),
    ]
    assert db.wrong_counters() == []


def test_a_correction_moves_a_picture_whenever_it_comes(db: Tables) -> None:
    moved = CorrectionMade(type="correction.made", image_id=image(0), location="Sanctuary", class_name="buck")
    comment = CorrectionMade(type="correction.made", image_id=image(0), note="a big one")
    db.write((at("facts", 5), moved), (at("facts", 6), comment))
    db.write((at("images", 0), imported(0, "Hayfield")))
    assert db.ask("SELECT location_id FROM image") == [(location_id("Sanctuary"),)]
    db.write((at("facts", 7), moved.model_copy(update={"location": "TinMan"})))
    db.write((at("facts", 4), moved.model_copy(update={"location": "Camphouse"})))
    assert db.ask("SELECT location_id FROM image") == [(location_id("TinMan"),)]
    assert db.ask("SELECT count(*) FROM correction") == [(4,)]
    assert db.wrong_counters() == db.wrong_states() == []


@pytest.mark.parametrize("deployment_first", [True, False])
def test_a_deployments_clock_offset_gives_the_true_time(db: Tables, deployment_first: bool) -> None:
    def deployed(camera: str | None, offset_s: int, start: datetime | None = None) -> DeploymentStated:
        return DeploymentStated(
            type="deployment.stated", location="Hayfield", camera=camera, start=start, clock_offset_s=offset_s
        )

    facts = (
        (at("facts", 5), deployed(None, 60)),
        (at("facts", 6), deployed("S1", 3_600)),
        (at("facts", 7), deployed("S0", -120, TAKEN_AT + timedelta(days=1))),
    )
    pictures = (
        (at("images", 0), imported(0)),
        (at("images", 1), imported(1)),
        (at("images", 2), imported(2, "TinMan")),
    )
    for batch in (facts, pictures) if deployment_first else (pictures, facts):
        db.write(*batch)
    times = dict(db.ask("SELECT filename, taken_at FROM image"))
    assert times == {
        "IMG_0.JPG": TAKEN_AT + timedelta(seconds=60),
        "IMG_1.JPG": TAKEN_AT + timedelta(minutes=1, hours=1),
        "IMG_2.JPG": TAKEN_AT + timedelta(minutes=2),
    }
    assert db.wrong_states() == []


@pytest.mark.parametrize("year", [1, 9_999])
def test_a_true_time_outside_of_the_calendar_stays_at_its_edge(db: Tables, year: int) -> None:
    offset_s = 10**9 if year > 1 else -(10**9)
    db.write((at("facts", 5), DeploymentStated(type="deployment.stated", location="Hayfield", clock_offset_s=offset_s)))
    db.write((at("images", 0), imported(0).model_copy(update={"captured_at": datetime(year, 6, 1)})))
    assert [found.year for (found,) in db.ask("SELECT taken_at FROM image")] == [year]


def test_places_from_facts_and_events_are_one_list(db: Tables) -> None:
    db.write((at("images", 0), imported(0)))
    seen = PlaceSeen(type="place.seen", image_id=image(0), location="TinMan", path="TinMan/copy.JPG")
    db.write((at("facts", 3), seen), (at("facts", 4), seen))
    db.write((at("images", 1), imported(0, "Sanctuary")))
    assert sorted(path for (path,) in db.ask("SELECT path FROM place")) == ["Sanctuary/IMG_0.JPG", "TinMan/copy.JPG"]


# What is kept as it came.


@pytest.mark.parametrize("name", ["None", "\\N", "\\.", "a\tb\nc\r\\d", "Hügel 🦌", "'; DROP TABLE image; --", "", " "])
def test_text_comes_back_as_it_was(db: Tables, name: str) -> None:
    db.write((at("images", 0), imported(0).model_copy(update={"filename": name, "exif": {name: name}})))
    assert db.ask("SELECT filename, exif FROM image") == [(name, {name: name})]


def test_the_longest_names_and_most_boxes_fit(db: Tables) -> None:
    # Emoji from all over the plane, so that compression cannot help index entries to fit.
    long = "".join(chr(0x1F300 + (n * 7) % 400) for n in range(200))
    boxes = [box().model_copy(update={"class_name": long, "class_id": n}) for n in range(1_000)]
    outcome = completed(0, *boxes, name=long)
    event = imported(0, long).model_copy(update={"path": "x" * 4_096, "uri": "store:///" + "y" * 4_000})
    db.write((at("images", 0), event), (at("detections", 0), outcome))
    db.write((at("images", 1), event), (at("facts", 9), activated(long)))
    assert db.ask("SELECT count(*) FROM detections") == [(1_000,)]
    assert db.ask("SELECT length(path) FROM place") == [(4_096,)]


# What is refused.


def test_a_nul_byte_or_a_lone_surrogate_is_the_rows_fault(db: Tables) -> None:
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(Poison):
            db.write((at("images", 0), imported(0).model_copy(update={"filename": name})))
    assert db.ask("SELECT count(*) FROM image") == [(0,)]
    db.write((at("images", 0), imported(0)))


def test_a_refused_row_is_found_and_all_others_are_written(db: Tables) -> None:
    db.do("ALTER TABLE box ADD CONSTRAINT no_bucks CHECK (class_name <> 'buck')")
    db.write(*((at("images", n), imported(n)) for n in range(50)))
    batch = [taken("detections", n, completed(n, box(5 if n in {7, 8, 41} else 3))) for n in range(50)]
    letters = Recorder(db.writer, "sink").record(batch)
    assert len(letters) == 3
    query = "SELECT filename, error_class FROM image JOIN result USING (image_id) WHERE result.state = 2"
    assert sorted(db.ask(query)) == [(f"IMG_{n}.JPG", "record") for n in (41, 7, 8)]
    assert sorted(db.ask("SELECT state, count(*) FROM image GROUP BY 1")) == [(1, 47), (2, 3)]
    assert db.ask("SELECT next_offset FROM recorded WHERE topic = 'detections'") == [(50,)]
    assert db.ask("SELECT DISTINCT error_message LIKE '%no_bucks%' FROM result WHERE state = 2") == [(True,)]
    assert db.wrong_counters() == db.wrong_states() == []


def test_missing_tables_end_the_process_with_a_word_on_why(db: Tables) -> None:
    db.do("DROP TABLE box CASCADE")
    with pytest.raises(Fatal, match='relation "box" does not exist'):
        db.write((at("detections", 0), completed(0, box())))


# What it survives.


def blocked(db: Tables) -> bool:
    return bool(
        db.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    )


def until_blocked(db: Tables) -> None:
    clock = SystemClock()
    deadline_s = clock.now_s() + WAIT_S
    while not blocked(db):
        assert clock.now_s() < deadline_s
        clock.sleep(0.01)


class Attempt(threading.Thread):
    """A write in a thread of its own."""

    def __init__(self, db: Tables, writer: PostgresWriter, items: list[tuple]) -> None:  # type: ignore[type-arg]
        super().__init__()
        self._db = db
        self._writer = writer
        self._items = items
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._writer.write(fold(self._items))
        except Exception as error:
            self.error = error


@pytest.fixture
def locked(db: Tables) -> Iterator[psycopg2.extensions.connection]:
    """Another connection's open transaction, which holds the table of results."""
    connection = psycopg2.connect(db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE result IN ACCESS EXCLUSIVE MODE")
    yield connection
    connection.close()


ITEMS = [(at("images", 0), imported(0)), (at("detections", 0), completed(0, box(), box()))]


def test_a_killed_connection_loses_nothing_and_doubles_nothing(
    db: Tables, locked: psycopg2.extensions.connection
) -> None:
    attempt = Attempt(db, db.writer, ITEMS)
    attempt.start()
    until_blocked(db)
    db.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    attempt.join()
    assert isinstance(attempt.error, DatabaseDown)
    locked.rollback()
    assert db.ask("SELECT count(*) FROM image") == db.ask("SELECT count(*) FROM result") == [(0,)]
    assert db.write(*ITEMS) == Written(results=1, images=1)
    assert db.write(*ITEMS) == Written(absorbed=2)
    assert db.ask("SELECT count(*) FROM box") == [(2,)]


def test_a_lock_that_is_held_too_long_is_waited_out(db: Tables, locked: psycopg2.extensions.connection) -> None:
    writer = PostgresWriter(db.engine, lock_timeout_ms=50)
    with pytest.raises(DatabaseDown, match="55P03"):
        writer.write(fold(ITEMS))
    locked.rollback()
    assert writer.write(fold(ITEMS)).results == 1
    writer.close()


def test_a_write_can_be_interrupted(db: Tables, locked: psycopg2.extensions.connection) -> None:
    attempt = Attempt(db, db.writer, ITEMS)
    attempt.start()
    until_blocked(db)
    db.writer.cancel()
    attempt.join()
    assert isinstance(attempt.error, DatabaseDown)
    locked.rollback()
    assert db.write(*ITEMS).results == 1


def test_a_deadlock_with_a_person_is_tried_again_and_ends_well(db: Tables) -> None:
    db.write(*((at("images", n), imported(n)) for n in range(2)))
    first, second = sorted([0, 1], key=lambda n: str(image(n)))
    person = psycopg2.connect(db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    cursor = person.cursor()
    cursor.execute("UPDATE images SET processing_status = 'pending' WHERE id = %s", (str(image(second)),))
    attempt = Attempt(db, db.writer, [(at("detections", n), completed(n)) for n in range(2)])
    attempt.start()
    until_blocked(db)
    try:
        cursor.execute("UPDATE images SET processing_status = 'pending' WHERE id = %s", (str(image(first)),))
        person.commit()
    except psycopg2.errors.DeadlockDetected:
        person.rollback()
    person.close()
    attempt.join()
    assert attempt.error is None or isinstance(attempt.error, DatabaseDown)
    db.write(*((at("detections", n), completed(n)) for n in range(2)))
    assert db.ask("SELECT count(*) FROM result") == [(2,)]
    assert db.wrong_counters() == db.wrong_states() == []


def test_two_sinks_at_once_see_each_others_rows(db: Tables) -> None:
    """Pictures in the hands of one, their outcomes in the hands of the other: no state is left behind."""
    writers = [PostgresWriter(db.engine) for _ in range(2)]
    for start in range(0, 100, 10):
        some = range(start, start + 10)
        attempts = [
            Attempt(db, writers[0], [(at("images", n), imported(n)) for n in some]),
            Attempt(db, writers[1], [(at("detections", n), completed(n)) for n in some]),
        ]
        for attempt in attempts:
            attempt.start()
        for attempt in attempts:
            attempt.join()
        assert [attempt.error for attempt in attempts] == [None, None]
    for writer in writers:
        writer.close()
    assert db.ask("SELECT state, count(*) FROM image GROUP BY 1") == [(1, 100)]
    assert db.wrong_counters() == db.wrong_states() == []
