"""api/trace.py: the story and where the picture is, from what was found."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest

from api.trace import Rows, Seen, mentions, story, where
from api.trace_steps import Told
from schemas.codec import encode
from schemas.detection import DetectionCompleted, DetectionFailed, Outcome
from schemas.envelope import Event
from schemas.fact import ImageRemoved
from schemas.image import ImageImported, image_id
from schemas.request import ProcessingRequested
from tests.api.world import DOE, MODEL
from thumper.dead_letters import dead_letter, read_letter
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition, Record

SHA256 = hashlib.sha256(b"a doe").hexdigest()
IMAGE = image_id(SHA256)
IMAGES, REQUESTS, DETECTIONS = Partition("images", 0), Partition("requests", 0), Partition("detections", 0)
IMPORTED = ImageImported(sha256=SHA256, uri="store:///a.jpg", path="Hayfield/a.jpg", location="Hayfield")
ROW = {"sha256": SHA256, "log_partition": 0, "log_offset": 7, "hand_reset_at": None}
DONE = {"model_id": MODEL.id, "state": 1, "box_count": 1, "error_class": None, "error_message": None}
FAILED = {**DONE, "state": 2, "error_class": "decode", "error_message": "not an image"}


def told(event: Event, part: Partition, offset: int, at_ms: int = 0) -> Told:
    return Told(Record(part, offset, encode(event), event.key().encode(), (), at_ms), event)


def outcome(error_class: str | None = None, origin_offset: int = 7) -> Outcome:
    known: dict[str, Any] = {
        "image_id": IMAGE,
        "group": "detector",
        "model": MODEL,
        "origin": {
            "topic": "images",
            "partition": 0,
            "offset": origin_offset,
            "event_id": "e",
            "timestamp_ms": 1_000,
        },
        "worker": "d1",
        "runtime": {"backend": "fixed", "version": "1", "device": "cpu", "precision": "f32"},
        "batch": {"id": "b1", "size": 8},
        "timings": {"queue_ms": 12.34, "infer_ms": 5.0, "total_ms": 20.0},
    }
    if error_class:
        why = {"error_class": error_class, "error_message": "why"}
        return DetectionFailed.model_validate({"type": "detection.failed", **known, **why})
    size = {"width_px": 1, "height_px": 1, "boxes": (DOE,)}
    return DetectionCompleted.model_validate({"type": "detection.completed", **known, **size})


def seen(
    *events: Told, image: Mapping[str, Any] | None = ROW, committed: int = 8, requests_at: int = 0, **given: Any
) -> Seen:
    live = GroupLag(
        "detector", (PartitionLag(IMAGES, 0, committed, 20), PartitionLag(REQUESTS, 0, requests_at, 9)), 0.0
    )
    rows = Rows(
        image=image,
        results=given.pop("results", ()),
        requests=given.pop("requests", ()),
        facts=given.pop("facts", ()),
        active_model=MODEL.id,
        recorded={DETECTIONS: 5, IMAGES: 20},
    )
    letters = given.pop("letters", ())
    return Seen(IMAGE, SHA256, rows, events, letters, live, **given)


LETTER = read_letter(
    Record(
        Partition("dead-letters", 0),
        3,
        b"x",
        headers=dead_letter(Record(IMAGES, 4, b"x"), "detector", "bad", "UnreadableEvent").headers,
    )
)
ASKED = {"request_partition": 0, "model_id": "", "asked": 4, "answered": None}


@pytest.mark.parametrize(
    ("look", "word", "ahead"),
    [
        pytest.param(seen(image=None), "unknown", None, id="never imported"),
        pytest.param(seen(image=None, unsearched=["images 0"]), "unknown", None, id="not found in what was searched"),
        pytest.param(seen(told(IMPORTED, IMAGES, 9), image=None), "arriving", 1, id="the sink is behind"),
        pytest.param(
            seen(told(IMPORTED, IMAGES, 7), told(outcome(), DETECTIONS, 5), image=None),
            "answered",
            None,
            id="done before the sink has registered it",
        ),
        pytest.param(seen(image=None, letters=[LETTER]), "dead letter", None, id="its message could not be read"),
        pytest.param(seen(image=None, facts=[{"kind": "removed"}]), "removed", None, id="removed"),
        pytest.param(seen(results=[DONE]), "completed", None, id="completed"),
        pytest.param(seen(results=[FAILED]), "failed", None, id="failed"),
        pytest.param(seen(committed=3), "waiting", 4, id="waits in its partition"),
        pytest.param(seen(committed=7), "waiting", 0, id="next in line"),
        pytest.param(seen(committed=3, results=[DONE]), "waiting", 4, id="set back, to be done again"),
        pytest.param(seen(told(outcome(), DETECTIONS, 5)), "answered", None, id="not recorded yet"),
        pytest.param(seen(results=[DONE], requests=[ASKED], requests_at=2), "waiting", 2, id="asked for again"),
        pytest.param(
            seen(results=[DONE], requests=[{**ASKED, "answered": 4}], requests_at=5),
            "completed",
            None,
            id="the request is answered",
        ),
        pytest.param(
            seen(results=[DONE], requests=[{**ASKED, "model_id": "other"}], requests_at=2),
            "completed",
            None,
            id="asked for under another model",
        ),
        pytest.param(seen(results=[DONE], requests=[ASKED], requests_at=5), "waiting", None, id="passed without"),
        pytest.param(seen(image={**ROW, "hand_reset_at": "noon"}, results=[DONE]), "reset", None, id="by hand"),
        pytest.param(seen(results=[{**DONE, "model_id": "other"}]), "waiting", None, id="by another model only"),
    ],
)
def test_where_it_is_now(look: Seen, word: str, ahead: int | None) -> None:
    now = where(look)
    assert (now.where, now.ahead) == (word, ahead), now.text
    assert story(look).where == word


def test_what_is_in_hand_may_be_the_picture() -> None:
    assert "may be among them" in where(seen(committed=6, in_flight=4)).text
    assert "among" not in where(seen(committed=1, in_flight=4)).text
    assert "set back" in where(seen(committed=3, results=[DONE])).text


def test_the_steps_come_in_the_order_of_the_log_and_attempts_are_counted() -> None:
    removal = ImageRemoved(type="image.removed", image_id=IMAGE, reason="a person", removed_by="Ann")
    found = story(
        seen(
            told(removal, Partition("facts", 0), 1, 9_000),
            told(outcome(), DETECTIONS, 6, 4_000),
            told(outcome("decode"), DETECTIONS, 2, 2_000),
            told(ProcessingRequested(sha256=SHA256, uri="store:///a", reason="retry"), REQUESTS, 1, 3_000),
            told(IMPORTED, IMAGES, 7, 1_000),
            image=None,
            letters=[LETTER],
        )
    )
    assert [(one.what, one.recorded) for one in found.steps] == [
        ("dead letter", None),
        ("imported", True),
        ("failed", True),
        ("requested", False),
        ("completed", False),
        ("removed", False),
    ]
    assert found.steps[1].text == "Hayfield/a.jpg, at Hayfield"
    assert found.steps[2].text == "demo in d1, in a batch of 8: decode: why"
    assert found.steps[4].text == "demo in d1, in a batch of 8: doe 0.90 (number 2)"
    assert found.steps[4].details["queue_ms"] == 12.3
    assert found.steps[4].details["event_to_outcome_ms"] == 3_000
    assert found.steps[4].details["answers"] == "images 0 at 7"
    assert found.steps[5].text == "a person, by Ann"
    assert "images 0 at 4" in found.steps[0].text


@pytest.mark.parametrize(
    ("record", "sha256", "wanted"),
    [
        pytest.param(Record(IMAGES, 0, b"{}", str(IMAGE).encode()), None, True, id="by its key"),
        pytest.param(Record(IMAGES, 0, b'{"image_id": "%s"}' % str(IMAGE).encode()), None, True, id="by the id"),
        pytest.param(Record(IMAGES, 0, b'{"sha256": "%s"}' % SHA256.encode()), None, True, id="by the hash"),
        pytest.param(Record(IMAGES, 0, b"..%s" % SHA256.encode()), SHA256, True, id="damaged, with the hash"),
        pytest.param(Record(IMAGES, 0, b'{"sha256": "%s"}' % (b"0" * 64)), None, False, id="another hash"),
        pytest.param(Record(IMAGES, 0, None), SHA256, False, id="nothing"),
    ],
)
def test_which_records_are_looked_into(record: Record, sha256: str | None, wanted: bool) -> None:
    assert mentions(record, IMAGE, sha256) is wanted
