"""Random histories: any order, any repetition and any cutting into batches end in the same rows, all exact."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.fact import CorrectionMade, DeploymentStated, LocationStated, PlaceSeen
from sinks.postgres.fold import Item
from sinks.postgres.rebuild import empty_tables
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
from thumper.embedded import postgres
from thumper.embedded.state import StackState

pytestmark = pytest.mark.integration

PICTURES = st.integers(0, 3)
PLACES = st.sampled_from(["Hayfield", "Sanctuary", None])
MODELS = st.sampled_from(["m1", "m2"])

images = st.builds(imported, PICTURES, PLACES, st.sampled_from([None, "a", "b"]))
requests = st.builds(requested, PICTURES, st.sampled_from([None, "m1", "m2"]))
origins = st.builds(origin, st.integers(0, 6), st.integers(0, 1), st.sampled_from(["images", "requests"]))
boxes = st.integers(0, 2).map(lambda count: [box()] * count)
outcomes = st.one_of(
    st.builds(lambda n, found, name, of: completed(n, *found, name=name, of=of), PICTURES, boxes, MODELS, origins),
    st.builds(lambda n, name, of: failed(n, name=name, of=of), PICTURES, MODELS, origins),
)
facts = st.one_of(
    st.builds(activated, MODELS),
    st.builds(added, MODELS, st.sampled_from([0.3, 0.5])),
    st.builds(
        lambda name, latitude: LocationStated(type="location.stated", name=name, latitude=latitude),
        st.sampled_from(["Hayfield", "TinMan"]),
        st.sampled_from([None, 1.5, 2.5]),
    ),
    st.builds(
        lambda camera, late, offset_s: DeploymentStated(
            type="deployment.stated",
            location="Hayfield",
            camera=camera,
            start=TAKEN_AT + timedelta(minutes=2) if late else None,
            clock_offset_s=offset_s,
        ),
        st.sampled_from([None, "S0", "HF2"]),
        st.booleans(),
        st.sampled_from([0, 60, -90]),
    ),
    st.builds(
        lambda n, place: CorrectionMade(type="correction.made", image_id=image(n), location=place), PICTURES, PLACES
    ),
    st.builds(
        lambda n, place: PlaceSeen(
            type="place.seen", image_id=image(n), location=place, path=f"{place}/IMG_{n}.JPG", import_id="f"
        ),
        PICTURES,
        PLACES,
    ),
)
TOPICS: dict[str, st.SearchStrategy[Event]] = {
    "images": images,
    "requests": requests,
    "detections": outcomes,
    "facts": facts,
}
event = st.sampled_from(sorted(TOPICS)).flatmap(lambda topic: TOPICS[topic].map(lambda found: (topic, found)))


@dataclass
class History:
    """A log, and another way in which the sink may come to see it: in batches, some of them again."""

    log: list[Item]
    batches: list[list[Item]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    log: list[Item] = []
    ends: dict[tuple[str, int], tuple[int, int]] = {}
    for topic, found in draw(st.lists(event, min_size=1, max_size=25)):
        partition, passed = draw(st.integers(0, 1)), draw(st.integers(0, 2))
        offset, ms = ends.get((topic, partition), (0, 1_000))
        log.append((at(topic, offset, partition, ms + passed), found))
        ends[topic, partition] = (offset + 1, ms + passed)
    seen = [*draw(st.permutations(log)), *draw(st.lists(st.sampled_from(log), max_size=6))]
    cuts = sorted(draw(st.lists(st.integers(0, len(seen)), max_size=4)))
    batches = [seen[start:end] for start, end in zip([0, *cuts], [*cuts, len(seen)], strict=True)]
    return History(log, batches)


@pytest.fixture(scope="module")
def db(stack_state: StackState) -> Iterator[Tables]:
    name = f"test_{uuid4().hex[:12]}"
    with tables(postgres.create_database(stack_state, name)) as found:
        yield found
    postgres.drop_database(stack_state, name)


often = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(histories())
def test_any_order_and_any_repetition_end_in_the_same_rows(db: Tables, history: History) -> None:
    db.clear()
    db.write(*history.log)
    expected = db.rows()
    db.clear()
    for batch in history.batches:
        db.write(*batch)
        assert db.wrong_counters() == []
        assert db.wrong_states() == []
    assert db.rows() == expected


@often
@given(histories(), st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["failed", "completed"])), max_size=3))
def test_hand_resets_keep_states_and_counters_exact(
    db: Tables, history: History, resets: list[tuple[int, str]]
) -> None:
    db.clear()
    for number, batch in enumerate(history.batches):
        db.write(*batch)
        for _, status in [reset for reset in resets if reset[0] == number]:
            db.do("UPDATE images SET processing_status = 'pending' WHERE processing_status = :status", status=status)
        assert db.wrong_counters() == []
        assert db.wrong_states() == []


def test_tables_emptied_and_rebuilt_are_equal_row_by_row(db: Tables) -> None:
    db.clear()
    log: list[Item] = [(at("facts", 0), added()), (at("facts", 1), activated())]
    log += [(at("images", n), imported(n, ["Hayfield", "Sanctuary", None][n % 3])) for n in range(300)]
    log += [(at("detections", n), completed(n, *[box()] * (n % 4)) if n % 7 else failed(n)) for n in range(280)]
    log += [(at("detections", 280 + n), completed(n, box(), of=origin(n, 0, "requests"))) for n in range(0, 90, 3)]
    log += [(at("requests", n), requested(n)) for n in range(100)]
    for start in range(0, len(log), 64):
        db.write(*log[start : start + 64])
    before = db.rows()
    assert len(before["image"]) == 300
    db.do("UPDATE images SET processing_status = 'pending' WHERE processing_status = 'failed'")
    empty_tables(db.engine)
    # As after a reset: each topic from its start, read side by side in another interleaving.
    for start in range(0, len(log), 200):
        db.write(*reversed(log[start : start + 200]))
    assert db.rows() == before
