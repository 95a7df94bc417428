"""`thumper verify` on a real pipeline: clean is clean, each kind of wrong is named, what is in flight is not wrong."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, Producer, TopicPartition
from sqlalchemy import text

from cli.wiring import before_apps
from producers.known import ImportLock
from tests.faults.synthetic import emit_images
from tests.processes import CLOCK, Processes, eventually
from tests.producers.pictures import card
from thumper.audit.audit import Asked, Report, audit
from thumper.audit.log import LogReader
from thumper.database import make_engine
from thumper.kafka import Names, make_admin, make_producer, make_reader
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PICTURES = 30


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


def verify(parts: Processes, *words: str) -> tuple[int, dict[str, Any]]:
    done = parts.run("verify", "--json", *words)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["clean"] == (done.returncode == 0)
    return done.returncode, found


def look(parts: Processes, **asked: Any) -> Report:
    """The same without a process of its own."""
    return audit(parts.settings, Asked(**asked), CLOCK)


def wrong(report: Report) -> dict[str, int]:
    return {kind: found.count for kind, found in report.findings.wrong.items()}


def do(parts: Processes, statement: str, **values: object) -> int:
    """Change the tables as only the sink may; how many rows."""
    engine = make_engine(parts.settings)
    with engine.begin() as connection:
        rows = connection.execute(text(statement), values).rowcount
    engine.dispose()
    return rows


def import_card(parts: Processes, tmp_path: Path, **locations: int) -> None:
    done = parts.run("import", str(card(tmp_path / "card", **locations)))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def drained(parts: Processes, tmp_path: Path) -> Processes:
    """Everything is imported, answered and recorded; sink and detector are stopped."""
    running = [parts.sink().wait_ready(), parts.null_detector().wait_ready()]
    import_card(parts, tmp_path, Hayfield=PICTURES)
    parts.wait_drained()
    assert [part.stop() for part in reversed(running)] == [0, 0]
    return parts


def records(settings: Settings, topic: str, partition: int) -> list[tuple[int, bytes, bytes]]:
    """Offset, key and value of every committed record of a partition."""
    reader, found = make_reader(settings), []
    place = TopicPartition(Names(settings).topic(topic), partition, 0)
    end = reader.get_watermark_offsets(place, 10)[1]
    reader.assign([place])
    while reader.position([place])[0].offset < end:
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            found.append((message.offset() or 0, bytes(message.key() or b""), bytes(message.value() or b"")))
    reader.close()
    return found


class Plain:
    """A producer that knows nothing of transactions, like somebody's script."""

    def __init__(self, settings: Settings) -> None:
        self._producer: Producer = make_producer(settings)
        self._names = Names(settings)

    def send(self, topic: str, value: bytes, key: bytes = b"", partition: int = -1) -> None:
        self._producer.produce(self._names.topic(topic), value, key, partition=partition)
        assert self._producer.flush(30) == 0


def busiest(settings: Settings) -> tuple[int, list[tuple[int, bytes, bytes]]]:
    """The partition of `detections` with most outcomes, and these."""
    found = {number: records(settings, "detections", number) for number in range(settings.partitions)}
    number = max(found, key=lambda one: len(found[one]))
    return number, found[number]


def test_in_flight_is_not_wrong_and_clean_is_clean(parts: Processes, tmp_path: Path) -> None:
    import_sink = parts.sink().wait_ready()
    import_card(parts, tmp_path, Hayfield=PICTURES, Sanctuary=5)
    eventually(lambda: parts.lag("sink") == 0, "the sink has recorded the pictures")
    assert import_sink.stop() == 0
    report = look(parts)
    assert (wrong(report), +report.findings.in_flight) == ({}, {"events not answered yet": PICTURES + 5})

    detector = parts.null_detector().wait_ready()
    eventually(lambda: parts.lag("detector") == 0, "all pictures are answered")
    assert detector.stop() == 0
    report = look(parts)
    assert (wrong(report), +report.findings.in_flight) == (
        {},
        # The facts: which model there is, and that it is in use.
        {"outcomes not recorded yet": PICTURES + 5, "facts not recorded yet": 2},
    )

    parts.sink().wait_ready()
    parts.wait_drained()
    done = parts.run("verify", "--deep")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        f"verify: clean: {PICTURES + 5} pictures, {PICTURES + 5} outcomes, nothing lost, nothing twice",
    )
    code, found = verify(parts, "--deep")
    assert (code, found["in_flight"], found["wrong"]) == (0, {}, {})
    assert found["counted"] == {
        "events in images": PICTURES + 5,
        "pictures in the tables": PICTURES + 5,
        "outcomes in detections": PICTURES + 5,
        "results in the tables": PICTURES + 5,
        "files in the store": PICTURES + 5,
        "files read": PICTURES + 5,
    }
    assert sum(line["outcomes"] for line in found["passes"]) == PICTURES + 5


def test_replays_are_passes(drained: Processes) -> None:
    names = Names(drained.settings)
    words = ("--group", names.group("detector"), "--topic", names.topic("images"), "--reset-offsets", "--to-earliest")
    done = drained.run("kafka", "kafka-consumer-groups", *words, "--execute")
    assert done.returncode == 0, done.stderr
    report = look(drained)
    assert (wrong(report), report.findings.in_flight["events to be answered again"]) == ({}, PICTURES)
    drained.sink()
    drained.null_detector()
    drained.wait_drained()
    code, found = verify(drained)
    assert (code, found["in_flight"]) == (0, {})
    assert {line["passes"] for line in found["passes"]} == {2}
    assert sum(line["outcomes"] for line in found["passes"]) == 2 * PICTURES
    assert verify(drained, "--group", "nobody")[1]["passes"] == []


def test_it_is_exact_while_everything_runs(parts: Processes) -> None:
    parts.sink()
    parts.null_detector("d1", 0.0, "--unread")
    parts.null_detector("d2", 0.0, "--unread")
    emit_images(parts.settings, 4_000)
    seen: set[str] = set()
    looks = 0
    while parts.lag("detector") or parts.lag("sink") or not looks:
        report = look(parts)
        # These pictures have no files; everything else must hold at any moment.
        assert set(wrong(report)) == {"file_missing"}
        seen.update(name for name, count in report.findings.in_flight.items() if count)
        looks += 1
    assert "events not answered yet" in seen
    # A worker that starts late tells of its model when all is drained already.
    eventually(lambda: not +look(parts).findings.in_flight, "nothing is in flight")
    assert wrong(look(parts)) == {"file_missing": 4_000}


# Table, what is done to it, what that is called.
PLANTS = {
    "a picture's row is gone": ("image", "DELETE FROM image WHERE image_id = :id", {"event_without_row"}),
    "a picture names another file": (
        "image",
        "UPDATE image SET uri = 'store:///aa/b.jpg' WHERE image_id = :id",
        {"picture_differs"},
    ),
    "a picture is put at another place": (
        "image",
        "UPDATE image SET log_offset = 1000000, first_offset = 1000000 WHERE image_id = :id",
        {"row_without_event", "older_picture_shown"},
    ),
    "a picture's state was changed": ("image", "UPDATE image SET state = 2 WHERE image_id = :id", {"derived_wrong"}),
    "a result's row is gone": (
        "result",
        "DELETE FROM result WHERE image_id = :id",
        {"outcome_without_row", "derived_wrong", "boxes_miscounted"},
    ),
    "a result was changed": (
        "result",
        "UPDATE result SET error_class = 'decode' WHERE image_id = :id",
        {"result_differs"},
    ),
    "a result has another source": (
        "result",
        "UPDATE result SET origin_offset = origin_offset + 1 WHERE image_id = :id",
        {"result_differs"},
    ),
    "a result is put at another place": (
        "result",
        "UPDATE result SET log_offset = 1000000, good_offset = 1000000 WHERE image_id = :id",
        {"row_without_outcome"},
    ),
    "a result shows an older outcome": (
        "result",
        "UPDATE result SET log_offset = -1, good_offset = -1 WHERE image_id = :id",
        {"row_without_outcome", "older_outcome_shown"},
    ),
    "a box is gone": ("box", "DELETE FROM box WHERE image_id = :id AND n = 0", {"boxes_miscounted"}),
    "counters were moved": ("counter", "UPDATE counter SET pictures = pictures + 1", {"counter_wrong"}),
    "recorded beyond the log": (
        "recorded",
        "UPDATE recorded SET next_offset = 1000000 WHERE topic = 'facts'",
        {"recorded_beyond_log"},
    ),
    "recorded less than there is": (
        "recorded",
        "UPDATE recorded SET next_offset = 0 WHERE topic IN ('images', 'detections')",
        {"recorded_behind"},
    ),
    "rows of another log": (
        "log_identity",
        "UPDATE log_identity SET topic_id = 'x' WHERE topic = 'images'",
        {"other_log"},
    ),
}


def test_what_is_planted_in_the_tables_is_found(drained: Processes) -> None:
    assert wrong(look(drained)) == {}
    ((image,),) = drained.sql("SELECT CAST(image_id AS text) FROM box ORDER BY image_id LIMIT 1")
    for name, (table, plant, kinds) in PLANTS.items():
        do(drained, f"CREATE TABLE kept AS SELECT * FROM {table}")  # noqa: S608 - a table of ours
        assert do(drained, plant, **({"id": image} if ":id" in plant else {})), name
        report = look(drained)
        assert set(wrong(report)) == kinds, (name, report.findings.wrong)
        if ":id" in plant:
            assert all(image in found.examples[0] for found in report.findings.wrong.values()), name
        do(drained, f"DELETE FROM {table}")  # noqa: S608 - likewise
        do(drained, f"INSERT INTO {table} SELECT * FROM kept")  # noqa: S608 - likewise
        do(drained, "DROP TABLE kept")
    assert wrong(look(drained)) == {}


def test_what_is_planted_in_the_log_is_found(drained: Processes) -> None:
    settings, plain = drained.settings, Plain(drained.settings)
    partition, outcomes = busiest(settings)
    assert len(outcomes) > 3

    # Nobody can read this: it is told, and is nothing wrong.
    plain.send("images", b"no event at all", partition=partition)
    plain.send("detections", b"no event either", partition=partition)
    drained.sink("sink").wait_ready()
    drained.null_detector("d1")
    drained.wait_drained()
    report = look(drained)
    assert wrong(report) == {}
    assert report.findings.noted["dead letters"] == 3
    assert report.findings.noted["events in images that nobody can read"] == 1
    assert report.findings.noted["events in detections that nobody can read"] == 1

    # Dead letters are kept for 90 days only; then the event itself says that nobody can read it.
    admin, letters = make_admin(settings), TopicPartition(Names(settings).topic("dead-letters"), 0, OFFSET_END)
    for future in admin.delete_records([letters]).values():
        future.result(30)
    report = look(drained)
    assert (wrong(report), report.findings.noted["dead letters"]) == ({}, 0)
    with closing(LogReader(settings, CLOCK)) as reader:
        assert list(reader.letters(0, 3)) == [], "deleted after it was looked where the log starts"

    # An outcome that was written before comes once more.
    _, key, value = outcomes[1]
    plain.send("detections", value, key, partition)
    drained.wait_drained()
    report = look(drained)
    assert wrong(report) == {"duplicate": 1}
    origin = json.loads(value)["origin"]
    assert report.findings.wrong["duplicate"].examples == [
        f"group detector: images {partition} at offsets {origin['offset']} to {origin['offset']}"
    ]

    # An outcome of an event that does not exist.
    stray = {**json.loads(value), "origin": {**origin, "offset": 5_000}}
    plain.send("detections", json.dumps(stray).encode(), key, partition)
    drained.wait_drained()
    assert wrong(look(drained)) == {"duplicate": 1, "unknown_source": 1}


def test_a_hole_is_a_loss(drained: Processes) -> None:
    settings, plain = drained.settings, Plain(drained.settings)
    _, outcomes = busiest(settings)
    end = drained.ends("images")
    emit_images(settings, 40)
    grown = next(part for part, now in drained.ends("images").items() if now - end[part] > 2)
    after = [record for record in records(settings, "images", grown.number) if record[0] >= end[grown]]
    offset, key, event = after[2]

    _, _, value = outcomes[0]
    answer = json.loads(value)
    answer["image_id"] = key.decode()
    answer["origin"] |= {"partition": grown.number, "offset": offset}
    plain.send("detections", json.dumps(answer).encode(), key)
    drained.sink()
    eventually(lambda: drained.lag("sink") == 0, "all is recorded")
    report = look(drained)
    assert wrong(report) == {"lost": 2, "file_missing": 40}
    assert report.findings.wrong["lost"].examples == [
        f"group detector: images {grown.number} at offsets {end[grown]} to {offset - 1}"
    ]
    assert json.loads(event)["sha256"]


def test_what_is_planted_in_the_store_is_found(drained: Processes) -> None:
    folder = drained.settings.data_dir / "store"
    files = sorted(folder.glob("??/*"))
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert wrong(look(drained)) == {}, "only --deep reads the bytes"
    code, found = verify(drained, "--deep")
    assert (code, list(found["wrong"])) == (1, ["file_damaged"])
    assert files[0].name in found["wrong"]["file_damaged"]["examples"][0]
    files[0].write_bytes(whole)

    files[1].rename(folder / "moved away\n.jpg")
    report = look(drained, deep=True)
    assert wrong(report) == {"file_missing": 1, "file_not_named": 1}
    assert files[1].name in report.findings.wrong["file_missing"].examples[0]
    assert report.findings.wrong["file_not_named"].examples == ["store:///moved%20away%0A.jpg"]

    # While an import runs, a file that no event names may be about to get one.
    engine = make_engine(drained.settings)
    lock = ImportLock(engine)
    assert lock.acquire()
    report = look(drained)
    assert wrong(report) == {"file_missing": 1}
    assert report.findings.in_flight["files that an import has not announced yet"] == 1
    lock.release()
    engine.dispose()
    (folder / "moved away\n.jpg").rename(files[1])
    assert wrong(look(drained, deep=True)) == {}

    (folder / ".thumper-store").rename(folder / ".away")
    done = drained.run("verify")
    assert (done.returncode, done.stdout) == (3, "")
    assert "is not the store" in done.stderr
