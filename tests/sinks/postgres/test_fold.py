"""Events to rows."""

import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.fact import CorrectionMade, DeploymentStated, ImageRemoved, LocationStated, PlaceSeen
from schemas.image import location_id
from sinks.postgres.fold import Item, fold
from sinks.postgres.rows import COLUMNS, Row, Rows
from tests.sinks.events import activated, added, at, box, completed, failed, image, imported, origin, requested
from thumper.record import Record


def named(table: str, rows: list[Row]) -> list[dict[str, object]]:
    return [dict(zip(COLUMNS[table], row, strict=True)) for row in rows]


def one(table: str, rows: Rows) -> dict[str, object]:
    (found,) = named(table, getattr(rows, table))
    return found


def test_a_completed_outcome_becomes_a_result_and_its_boxes() -> None:
    rows = fold([(at("detections", 7), completed(1, box(3, 0.9), box(0, 0.3)))])
    result = one("result", rows)
    assert result["image_id"] == str(image(1))
    assert (result["state"], result["error_class"], result["box_count"]) == (1, None, 2)
    assert (result["log_partition"], result["log_offset"], result["log_ms"]) == (0, 7, 1_007)
    assert (result["good_partition"], result["good_offset"], result["good_ms"]) == (0, 7, 1_007)
    assert [(found["n"], found["class_name"]) for found in named("box", rows.box)] == [(0, "doe"), (1, "cattle")]
    assert rows.recorded == [("detections", 0, 8, 1_007)]


def test_the_newest_outcome_of_a_batch_wins_whatever_its_order() -> None:
    old, new = (at("detections", 1), completed(1, box())), (at("detections", 2), completed(1, box(), box()))
    assert one("result", fold([new, old]))["box_count"] == 2
    assert fold([new, old]) == fold([old, new])


def test_a_failure_keeps_the_last_good_result_of_the_batch() -> None:
    rows = fold([(at("detections", 1), completed(1, box())), (at("detections", 2), failed(1))])
    result = one("result", rows)
    assert (result["state"], result["error_class"], result["log_offset"]) == (2, "missing", 2)
    assert (result["good_offset"], result["box_count"], len(rows.box)) == (1, 1, 1)


def test_a_failure_alone_says_nothing_of_a_good_result() -> None:
    result = one("result", fold([(at("detections", 1), failed(1, message="no such file"))]))
    assert result["error_message"] == "no such file"
    assert (result["good_partition"], result["box_count"], result["total_ms"]) == (None, None, None)


def test_two_models_do_not_touch_each_other() -> None:
    rows = fold([(at("detections", 1), completed(1)), (at("detections", 2), completed(1, name="m2"))])
    assert [found["model_id"] for found in named("result", rows.result)] == ["m1", "m2"]


def test_the_earliest_event_describes_a_picture_and_the_newest_places_it_in_the_log() -> None:
    rows = fold([(at("images", 9), imported(1, "Sanctuary")), (at("images", 4), imported(1, "Hayfield"))])
    row = one("image", rows)
    assert (row["first_offset"], row["log_offset"]) == (4, 9)
    assert row["given_location_id"] == str(location_id("Hayfield"))
    assert json.loads(str(row["exif"])) == {"ISO": "100"}
    seen = one("place", rows)
    assert (seen["path"], seen["log_offset"]) == ("Sanctuary/IMG_1.JPG", 9)
    assert {found["name"] for found in named("location", rows.location)} == {"Hayfield", "Sanctuary"}


def test_the_same_event_twice_is_no_further_place() -> None:
    event = (at("images", 4), imported(1))
    assert fold([event, event]).place == []


def test_an_event_with_nothing_but_bytes_is_understood() -> None:
    bare = imported(1, None).model_copy(
        update={"camera": None, "exif": {}, "path": None, "filename": None, "captured_at": None}
    )
    row = one("image", fold([(at("images", 0), bare)]))
    assert (row["given_location_id"], row["camera_make"], row["exif"], row["latitude"]) == (None, None, None, None)


def test_requests_asked_and_answered_only_grow() -> None:
    answer = completed(1, of=origin(5, 3, "requests"))
    items: list[Item] = [
        (at("requests", 4, 3), requested(1)),
        (at("requests", 6, 3), requested(1)),
        (at("requests", 7, 3), requested(1, "m2")),
        (at("detections", 0), answer),
        (at("detections", 1), completed(1, of=origin(2, 3, "requests"))),
    ]
    expected = [(str(image(1)), 3, "", 6, 5), (str(image(1)), 3, "m2", 7, None)]
    assert fold(items).request_state == fold(reversed(items)).request_state == expected


def test_facts_become_rows() -> None:
    facts: list[Event] = [
        LocationStated(type="location.stated", name="Hayfield", latitude=29.8, longitude=-97.3),
        DeploymentStated(
            type="deployment.stated", location="TinMan", camera="S1", start=datetime(2025, 1, 1), clock_offset_s=3_600
        ),
        PlaceSeen(type="place.seen", image_id=image(1), location="Camphouse", path="copy/IMG_1.JPG"),
        CorrectionMade(
            type="correction.made", image_id=image(1), class_name="buck", location="Sanctuary", made_by="me"
        ),
        ImageRemoved(type="image.removed", image_id=image(2)),
        added(),
        activated(),
    ]
    rows = fold((at("facts", n), fact) for n, fact in enumerate(facts))
    assert {row[1]: row[2] for row in rows.location} == {
        "Hayfield": 29.8,
        "TinMan": None,
        "Camphouse": None,
        "Sanctuary": None,
    }
    assert one("deployment", rows)["location_id"] == str(location_id("TinMan"))
    assert one("place", rows)["path"] == "copy/IMG_1.JPG"
    assert (one("correction", rows)["class_name"], one("correction", rows)["log_offset"]) == ("buck", 3)
    assert one("model", rows)["display_threshold"] == 0.5
    assert rows.active_model == [("m1", 0, 6, 1_006)]
    assert rows.recorded == [("facts", 0, 7, 1_006)]


def test_the_newest_statement_of_a_place_wins_even_if_it_takes_the_position_back() -> None:
    stated = LocationStated(type="location.stated", name="Hayfield", latitude=29.8, longitude=-97.3)
    silent = LocationStated(type="location.stated", name="Hayfield")
    rows = fold([(at("facts", 1), silent), (at("facts", 0), stated)])
    assert one("location", rows)["latitude"] is None


def test_an_unreadable_record_only_counts_as_recorded() -> None:
    rows = fold([(at("facts", 3, 1), None)])
    assert [table for table, _ in rows.filled()] == ["recorded"]


EVENTS: list[tuple[Record, Event]] = [
    (at("images", 0), imported(1)),
    (at("images", 1), imported(1, "Sanctuary", "again")),
    (at("images", 2), imported(1, "Sanctuary")),
    (at("images", 0, 1, 1_001), imported(1, "TinMan")),
    (at("requests", 0), requested(1)),
    (at("requests", 1), requested(1, "m1")),
    (at("detections", 0), completed(1, box(), of=origin(0, 0, "requests"))),
    (at("detections", 1), failed(1)),
    (at("detections", 0, 1, 1_001), completed(1, box(), box())),
    (at("facts", 0), PlaceSeen(type="place.seen", image_id=image(1), location="Sanctuary", path="Sanctuary/IMG_1.JPG")),
    (at("facts", 1), activated("m1")),
    (at("facts", 0, 1, 1_001), activated("m2")),
]


@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=8))
def test_any_order_and_any_repetition_give_the_same_rows(order: list[Item], repeated: list[Item]) -> None:
    def settled(items: list[Item]) -> dict[str, list[Row]]:
        return {table: sorted(rows, key=repr) for table, rows in fold(items).filled()}

    assert settled([*order, *repeated]) == settled([*EVENTS])
