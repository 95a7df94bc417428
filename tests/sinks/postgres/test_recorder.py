"""Batches that the database refuses."""

import pytest

from schemas.codec import decode
from schemas.envelope import Event
from sinks.postgres.recorder import Recorder, Taken
from tests.fakes.row_writer import ListWriter
from tests.sinks.events import CLASSES, at, box, completed, imported, requested
from thumper.dead_letters import PREFIX
from thumper.errors import DatabaseDown, Fatal, Poison
from thumper.record import Outgoing

BAD = CLASSES[5]


def taken(topic: str, offset: int, event: Event) -> Taken:
    return Taken(at(topic, offset, event=event), event)


def header(letter: Outgoing, name: str) -> str:
    return dict(letter.headers)[PREFIX + name].decode()


def test_a_good_batch_is_one_transaction() -> None:
    writer = ListWriter()
    recorder = Recorder(writer, "sink")
    assert recorder.record([taken("detections", n, completed(n)) for n in range(100)]) == []
    assert (writer.tries, len(writer.written)) == (1, 1)
    assert recorder.totals.results == 100


def test_one_bad_outcome_becomes_a_failed_row_and_a_dead_letter_and_all_others_are_written() -> None:
    writer = ListWriter(BAD)
    batch = [taken("detections", n, completed(n, box(5 if n == 37 else 3))) for n in range(64)]
    (letter,) = Recorder(writer, "sink").record(batch)
    results = [row for rows in writer.written for row in rows.result]
    assert len(results) == 64
    (bad,) = [row for row in results if row[2] == 2]
    assert bad[3] == "record"
    assert str(bad[4]).startswith("the outcome could not be recorded: refused")
    assert letter.topic == "dead-letters"
    assert letter.value == batch[37].record.value
    assert decode("detections", letter.value) == batch[37].event
    assert (header(letter, "offset"), header(letter, "exception.class.name")) == ("37", "record")
    assert sum(len(rows.recorded) for rows in writer.written) == len(writer.written)
    assert writer.tries < 20


def test_a_bad_picture_only_becomes_a_dead_letter_and_its_offset_counts_as_recorded() -> None:
    writer = ListWriter("IMG_1.JPG")
    batch = [taken("images", n, imported(n)) for n in range(3)]
    (letter,) = Recorder(writer, "sink").record(batch)
    assert header(letter, "topic") == "images"
    assert sorted(str(row[5]) for rows in writer.written for row in rows.image) == ["IMG_0.JPG", "IMG_2.JPG"]
    assert max(row[2] for rows in writer.written for row in rows.recorded) == 3  # type: ignore[type-var]


def test_every_bad_row_is_found() -> None:
    writer = ListWriter(BAD)
    batch = [taken("detections", n, completed(n, box(5))) for n in range(16)]
    assert len(Recorder(writer, "sink").record(batch)) == 16
    assert [row[3] for rows in writer.written for row in rows.result] == ["record"] * 16


def test_dead_letters_of_unreadable_records_come_along() -> None:
    letter = Outgoing("dead-letters", None, b"?")
    batch = [Taken(at("facts", 0), None, letter), taken("requests", 0, requested(1))]
    assert Recorder(ListWriter(), "sink").record(batch) == [letter]


def test_a_database_that_is_down_is_nobodys_fault() -> None:
    writer = ListWriter()
    writer.fail = [DatabaseDown("away")]
    recorder = Recorder(writer, "sink")
    batch = [taken("detections", 0, completed(0))]
    with pytest.raises(DatabaseDown):
        recorder.record(batch)
    assert recorder.record(batch) == []


def test_a_database_that_refuses_even_offsets_ends_the_process() -> None:
    writer = ListWriter()
    writer.always = Poison("refused")
    with pytest.raises(Fatal, match="not even an offset"):
        Recorder(writer, "sink").record([taken("requests", 0, requested(1))])
