"""Tables, views and triggers as the migrations make them; the predecessor's SQL as its users type it."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from schemas.fact import LocationStated
from schemas.image import location_id
from sinks.postgres.identity import check_identity
from sinks.postgres.migrate import migrate
from sinks.postgres.rebuild import empty_tables
from tests.sinks.events import TAKEN_AT, activated, added, at, box, completed, failed, image, imported
from tests.sinks.tables import Tables, tables
from thumper.errors import Fatal
from thumper.record import Partition
from thumper.settings import Settings
from thumper.tables import metadata

pytestmark = pytest.mark.integration


@pytest.fixture
def db(fresh_database: str) -> Iterator[Tables]:
    with tables(fresh_database) as found:
        yield found


@pytest.fixture
def ranch(db: Tables) -> Tables:
    """Pictures 0 to 5 at Hayfield, 6 to 8 at Sanctuary: 0 to 2 with deer, 3 and 6 failed, the others pending."""
    db.write(
        (at("facts", 0), added()),
        (at("facts", 1), activated()),
        (at("facts", 2), LocationStated(type="location.stated", name="Hayfield", latitude=29.8, longitude=-97.3)),
    )
    db.write(*((at("images", n), imported(n, "Hayfield" if n < 6 else "Sanctuary")) for n in range(9)))
    db.write(
        (at("detections", 0), completed(0, box(3, 0.9), box(5, 0.5), box(0, 0.49))),
        (at("detections", 1), completed(1, box(3, 0.7))),
        (at("detections", 2), completed(2)),
        (at("detections", 3, ms=5_000), failed(3)),
        (at("detections", 4, ms=6_000), failed(6, "decode", "broken data stream at byte 7")),
        (at("detections", 5), completed(4, box(), name="another")),
    )
    return db


# Migrations.


def test_migrations_make_the_tables_that_the_code_describes(db: Tables) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_or_by_two_at_once_is_harmless(fresh_database: str) -> None:
    settings = Settings(database_url=SecretStr(fresh_database))
    errors: list[BaseException] = []

    def try_it() -> None:
        try:
            migrate(settings)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with tables(fresh_database) as found:
        assert found.ask("SELECT version_num FROM alembic_version") == [("0002",)]


def test_tables_of_a_newer_release_are_left_alone(db: Tables) -> None:
    db.do("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Fatal, match="9999"):
        migrate(db.settings)


# The predecessor's queries, letter by letter from its runbook.


def test_processing_breakdown(ranch: Tables) -> None:
    query = "SELECT processing_status, COUNT(*) FROM images GROUP BY processing_status;"
    assert sorted(ranch.ask(query)) == [("completed", 3), ("failed", 2), ("pending", 4)]
    named = """SELECT processing_status, COUNT(*) as count
FROM images
GROUP BY processing_status;"""
    assert sorted(ranch.ask(named)) == [("completed", 3), ("failed", 2), ("pending", 4)]


def test_failures_by_message(ranch: Tables) -> None:
    query = (
        "SELECT error_message, COUNT(*) FROM images WHERE processing_status='failed' GROUP BY error_message LIMIT 10;"
    )
    assert sorted(ranch.ask(query)) == [("broken data stream at byte 7", 1), ("no such file", 1)]


def test_detections_per_location(ranch: Tables) -> None:
    query = """SELECT l.name, COUNT(d.id) as detection_count
FROM locations l
JOIN images i ON i.location_id = l.id
JOIN detections d ON d.image_id = i.id
GROUP BY l.name
ORDER BY detection_count DESC;"""
    assert ranch.ask(query) == [("Hayfield", 3)]


def test_recent_failures(ranch: Tables) -> None:
    query = """SELECT filename, error_message, updated_at
FROM images
WHERE processing_status = 'failed'
ORDER BY updated_at DESC
LIMIT 20;"""
    found = ranch.ask(query)
    assert [row[:2] for row in found] == [("IMG_6.JPG", "broken data stream at byte 7"), ("IMG_3.JPG", "no such file")]
    assert found[0][2].timestamp() == 6.0


def test_reset_of_certain_failures_and_of_all(ranch: Tables) -> None:
    certain = """UPDATE images
SET processing_status = 'pending',
    error_message = NULL
WHERE processing_status = 'failed'
  AND error_message LIKE '%broken data%';"""
    every = """UPDATE images
SET processing_status = 'pending',
    error_message = NULL
WHERE processing_status = 'failed';"""
    assert ranch.do(certain) == 1
    assert ranch.ask("SELECT processing_status, error_message FROM images WHERE filename = 'IMG_6.JPG'") == [
        ("pending", None)
    ]
    assert ranch.ask("SELECT count(*) FROM images WHERE processing_status = 'failed'") == [(1,)]
    assert ranch.do(every) == 1
    assert sorted(ranch.ask("SELECT state, sum(pictures) FROM counter GROUP BY state")) == [(0, 6), (1, 3)]
    assert ranch.wrong_counters() == ranch.wrong_states() == []


def test_the_views_show_what_the_events_said(ranch: Tables) -> None:
    (row,) = ranch.ask(
        'SELECT id, filename, path, "timestamp", location_id, processing_status, error_message, created_at, updated_at '
        "FROM images WHERE filename = 'IMG_1.JPG'"
    )
    expected = (
        *(image(1), "IMG_1.JPG", "Hayfield/IMG_1.JPG", TAKEN_AT + timedelta(minutes=1), location_id("Hayfield")),
        *("completed", None),
    )
    assert row[:7] == expected
    assert row[7].timestamp() == row[8].timestamp() == 1.001
    assert sorted(ranch.ask("SELECT name, latitude, longitude FROM locations")) == [
        ("Hayfield", 29.8, -97.3),
        ("Sanctuary", None, None),
    ]


def test_detections_are_the_active_models_boxes_from_its_display_threshold_on(ranch: Tables) -> None:
    query = "SELECT class_name, class_id, confidence, x1, y1, x2, y2, model_id FROM detections WHERE image_id = :id"
    boxes = [row[:3] for row in ranch.ask(query, id=image(0))]
    assert sorted(boxes) == [("buck", 5, 0.5), ("doe", 3, pytest.approx(0.9))]
    assert ranch.ask("SELECT count(*) FROM box") == [(5,)]
    assert ranch.ask(query, id=image(4)) == []
    ids = [row[0] for row in ranch.ask("SELECT id FROM detections")]
    assert len(set(ids)) == 3
    assert all(isinstance(found, UUID) for found in ids)
    ranch.write((at("facts", 3), activated("another")))
    assert [row[-1] for row in ranch.ask(query, id=image(4))] == ["another"]


# Writes by hand.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE images SET processing_status = 'completed'",
        "UPDATE images SET processing_status = NULL",
        "UPDATE images SET filename = 'x', processing_status = 'pending'",
        "UPDATE images SET processing_status = 'pending', error_message = 'mine'",
        "UPDATE images SET location_id = NULL, processing_status = 'pending'",
        "INSERT INTO images (id) VALUES (gen_random_uuid())",
        "DELETE FROM images",
        "UPDATE locations SET name = 'x'",
        "INSERT INTO locations (id, name) VALUES (gen_random_uuid(), 'x')",
        "DELETE FROM locations",
        "DELETE FROM detections",
        "UPDATE detections SET confidence = 1",
    ],
)
def test_other_writes_on_views_are_refused_and_change_nothing(ranch: Tables, statement: str) -> None:
    before = ranch.rows()
    with pytest.raises(DBAPIError, match="is a view: rows come from events") as error:
        ranch.do(statement)
    assert "HINT" in str(error.value)
    assert ranch.rows() == before


def test_any_row_can_be_reset_and_the_next_outcome_of_the_active_model_ends_it(ranch: Tables) -> None:
    reset = "UPDATE images SET processing_status = 'pending' WHERE id = :id"
    state = "SELECT state, hand_reset_at IS NULL FROM image WHERE image_id = :id"
    assert ranch.do(reset, id=image(0)) == 1
    assert ranch.ask(state, id=image(0)) == [(0, False)]
    ranch.write((at("detections", 0), completed(0, box())))
    assert ranch.ask(state, id=image(0)) == [(0, False)], "the same outcome again is no newer one"
    ranch.write((at("detections", 20), completed(0, name="another")))
    assert ranch.ask(state, id=image(0)) == [(0, False)], "another model's outcome does not count"
    ranch.write((at("detections", 21), failed(0)))
    assert ranch.ask(state, id=image(0)) == [(2, True)]
    assert ranch.wrong_counters() == ranch.wrong_states() == []


def test_counters_follow_whoever_changes_the_table(ranch: Tables) -> None:
    ranch.do("UPDATE image SET location_id = NULL WHERE state = 1")
    assert ranch.wrong_counters() == []
    ranch.do("DELETE FROM image WHERE state <> 0")
    assert ranch.wrong_counters() == []
    ranch.do("DELETE FROM image WHERE filename = 'IMG_4.JPG'")
    assert ranch.wrong_counters() == []
    assert ranch.ask("SELECT count(*) FROM counter WHERE pictures <= 0") == [(0,)]
    ranch.do("TRUNCATE image")
    assert ranch.ask("SELECT count(*) FROM counter") == [(0,)]


# The log that the rows come from.


class OneLog:
    """A log of one partition per topic."""

    def __init__(self, cluster: str = "c1", end: int = 100) -> None:
        self.cluster = cluster
        self.end = end

    def topic_identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        return self.cluster, {topic: f"id of {topic}" for topic in topics}

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {Partition(topic, 0): 0 for topic in topics}

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {Partition(topic, 0): self.end for topic in topics}

    def committed(self, group: str, topics: Sequence[str]) -> dict[Partition, int]:
        return {}


def test_the_logs_identity_is_noted_once_and_compared_ever_after(ranch: Tables) -> None:
    check_identity(ranch.engine, OneLog())
    check_identity(ranch.engine, OneLog())
    assert ranch.ask("SELECT DISTINCT cluster_id FROM log_identity") == [("c1",)]
    with pytest.raises(Fatal, match="another log"):
        check_identity(ranch.engine, OneLog("c2"))
    with pytest.raises(Fatal, match=r"images 0 is recorded up to 9, the log ends at 8"):
        check_identity(ranch.engine, OneLog(end=8))


def test_emptied_tables_belong_to_any_log(ranch: Tables) -> None:
    check_identity(ranch.engine, OneLog())
    empty_tables(ranch.engine)
    assert all(rows == [] for rows in ranch.rows().values())
    check_identity(ranch.engine, OneLog("c2", 0))


def test_a_count_by_status_reads_nothing_but_the_pictures(ranch: Tables) -> None:
    with ranch.engine.connect() as connection:
        plan = connection.execute(
            text("EXPLAIN SELECT processing_status, COUNT(*) FROM images GROUP BY processing_status")
        ).scalars()
        assert not any("result" in line for line in plan)
