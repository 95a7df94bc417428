"""Outcomes: what they say, that they repeat exactly, and that they always fit into a message."""

from datetime import UTC, datetime

import pytest

from processors.detector.backends.fixed import description
from processors.detector.outcome import Author, Circumstances, completed, failed
from processors.detector.task import Task, task
from schemas.codec import MAX_VALUE_BYTES, decode
from schemas.detection import Batch, Box, DetectionCompleted, DetectionFailed, Runtime, Timings
from tests.processors.detector.pictures import imported, picture, requested
from thumper.errors import PictureError
from thumper.record import Outgoing, Record

AUTHOR = Author("detector", "w1", description().ref, Runtime(backend="b", version="1", device="cpu", precision="f32"))
WHEN = Circumstances(datetime(2026, 1, 2, tzinfo=UTC), Timings(total_ms=5), Batch(id="w1-1", size=3))
DATA = picture((64, 48))
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def task_of(record: Record) -> Task:
    return task(record, decode(record.partition.topic, record.value))


def box(confidence: float = 0.5, name: str = "doe") -> Box:
    return Box(class_id=0, class_name=name, confidence=confidence, x1=0.1, y1=0.1, x2=0.2, y2=0.2)


def read(outgoing: Outgoing) -> DetectionCompleted | DetectionFailed:
    event: DetectionCompleted | DetectionFailed = decode("detections", outgoing.value)
    return event


def test_a_completed_outcome_says_all() -> None:
    record = imported(DATA, offset=7, partition=3, id="e-1")
    outgoing = completed(AUTHOR, task_of(record), (64, 48), [box()], WHEN)
    event = read(outgoing)
    assert isinstance(event, DetectionCompleted)
    assert outgoing.topic == "detections"
    assert outgoing.key == str(event.image_id).encode() == record.key
    assert event.origin.model_dump() == {
        "topic": "images",
        "partition": 3,
        "offset": 7,
        "event_id": "e-1",
        "timestamp_ms": 1_000,
    }
    assert (event.group, event.worker, event.model, event.runtime) == ("detector", "w1", AUTHOR.model, AUTHOR.runtime)
    assert (event.width_px, event.height_px, event.boxes, event.boxes_dropped) == (64, 48, (box(),), 0)
    assert (event.timings, event.batch, event.finished_at) == (WHEN.timings, WHEN.batch, WHEN.finished_at)


def test_an_event_without_id_is_named_by_its_place() -> None:
    event = read(completed(AUTHOR, task_of(requested(DATA, offset=9)), (64, 48), [], WHEN))
    assert event.origin.event_id == "requests-0-9"


def test_a_repeat_has_the_same_id_and_another_group_another() -> None:
    one = task_of(imported(DATA, offset=7))
    other = Author("shadow.x", AUTHOR.worker, AUTHOR.model, AUTHOR.runtime)
    ids = [read(completed(author, one, (64, 48), [], WHEN)).id for author in (AUTHOR, AUTHOR, other)]
    assert ids[0] == ids[1] != ids[2]
    assert read(failed(AUTHOR, one, PictureError("decode", "bad"), WHEN)).id == ids[0]


def test_the_trace_goes_on() -> None:
    cause = imported(DATA)
    traced = Record(cause.partition, 0, cause.value, cause.key, [("traceparent", TRACE.encode())])
    headers = dict(completed(AUTHOR, task_of(traced), (64, 48), [], WHEN).headers)
    assert headers["traceparent"].split(b"-")[1] == TRACE.split("-")[1].encode()
    assert headers["ce_type"] == b"thumper.detection.completed.v1"


def test_a_failed_outcome_says_why_in_words_that_can_be_stored() -> None:
    error = PictureError("missing", "no file \udcff\x00\n" + "x" * 5_000)
    event = read(failed(AUTHOR, task_of(imported(DATA)), error, WHEN))
    assert isinstance(event, DetectionFailed)
    assert event.error_class == "missing"
    assert event.error_message.startswith("no file ���x")
    assert len(event.error_message) == 1_000


@pytest.mark.parametrize(
    ("count", "name"),
    [
        pytest.param(1_500, "doe", id="more boxes than an event may have"),
        pytest.param(1_000, "\x01" * 200, id="more bytes than a message may have"),
    ],
)
def test_what_is_too_large_keeps_the_most_confident_boxes_and_says_so(count: int, name: str) -> None:
    boxes = [box(1 - number / 2_000, name) for number in range(count)]
    outgoing = completed(AUTHOR, task_of(imported(DATA)), (64, 48), boxes, WHEN)
    event = read(outgoing)
    assert isinstance(event, DetectionCompleted)
    assert outgoing.value is not None
    assert len(outgoing.value) <= MAX_VALUE_BYTES
    assert 500 < len(event.boxes) <= 1_000
    assert event.boxes == tuple(boxes[: len(event.boxes)])
    assert event.boxes_dropped == count - len(event.boxes) > 0
