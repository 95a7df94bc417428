"""producers/requests.py: each picture is asked for once, or it is said why nothing was asked."""

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from producers.requests import Desk, NotRecorded, Selection, Unknown, queue
from producers.retry import Failure, failed, retry
from schemas.codec import decode
from schemas.envelope import Event
from schemas.image import location_id
from tests.api.world import World, open_world
from thumper.clock import SteppedClock, SystemClock
from thumper.database import make_engine
from thumper.errors import KafkaDown
from thumper.lag import GroupLag
from thumper.settings import Settings

pytestmark = pytest.mark.integration


class Watched:
    """Lags that are real, and a note of the order in which they were asked for."""

    def __init__(self, world: World) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self._lags = world.lags

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        self.asked.append((group, tuple(topics)))
        return self._lags.read(group, topics)


class Deaf:
    """A sender whose broker acknowledges nothing."""

    def emit(self, topic: str, event: Event) -> None:
        pass

    def flush(self, timeout_s: float) -> None:
        raise KafkaDown("2 messages are not acknowledged")


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with open_world(settings) as found:
        found.activate_model()
        found.record()
        yield found


@pytest.fixture
def engine(world: World) -> Iterator[Engine]:
    found = make_engine(world.settings, read_only=True)
    yield found
    found.dispose()


@pytest.fixture
def desk(world: World, engine: Engine) -> Desk:
    return Desk(engine, Watched(world), world.emitter, SystemClock())


def done(world: World, count: int, failing: int = 0) -> list[UUID]:
    pictures = world.add_pictures(count)
    world.record()
    world.detect(failing=pictures[:failing])
    world.record()
    return pictures


def test_a_request_carries_the_claim_check_and_an_id_of_its_own(world: World, desk: Desk) -> None:
    (picture,) = done(world, 1)
    queued = queue(Selection((picture,)), desk, "somebody")
    (record,) = world.requests()
    event = decode("requests", record.value)
    assert (event.image, event.uri[:9], event.requested_by) == (picture, "store:///", "somebody")
    assert queued.task_ids == (event.id,)
    assert queued.asked == 1


def test_the_groups_position_is_read_before_the_ends_that_are_waited_for(world: World, desk: Desk) -> None:
    done(world, 1)
    queue(Selection(), desk)
    assert isinstance(desk.lags, Watched)
    assert desk.lags.asked[:2] == [("detector", ("images",)), ("sink", ("requests", "detections"))]


def test_those_that_nothing_brings_forward_come_first(world: World, desk: Desk) -> None:
    failed = set(done(world, 4, failing=4))
    waiting = world.add_pictures(10)
    world.record()
    again = queue(Selection(tuple(failed)), desk)
    assert again.asked == 4
    world.record()
    found = queue(Selection(limit=6), desk)
    assert found.asked == 0
    assert set(again.task_ids) <= set(found.task_ids)
    assert len(queue(Selection(limit=100), desk).task_ids) == 14
    assert len(waiting) == 10


def test_a_place_narrows_the_selection(world: World, desk: Desk) -> None:
    world.add_pictures(3, "Hayfield")
    world.add_pictures(2, "TinMan")
    world.record()
    world.detect()
    world.record()
    queued = queue(Selection(status="completed", location_id=location_id("TinMan")), desk)
    assert queued.asked == len(world.requests()) == 2


def fail_again(world: World, pictures: Sequence[UUID]) -> None:
    world.record()
    world.detect(failing=pictures)
    world.record()


def test_failed_pictures_are_counted_and_asked_for_once_though_they_fail_again(world: World, desk: Desk) -> None:
    pictures = done(world, 9, failing=5)
    everything = Selection(status="failed")
    found = failed(everything, desk)
    assert (found.by_class, found.pictures) == ({"decode": 5}, 5)
    assert len(world.requests()) == 0, "counting asks for nothing"

    in_parts = retry(everything, found, desk, "somebody", most=3)
    assert next(in_parts) == 3
    fail_again(world, pictures[:5])
    assert list(in_parts) == []
    rest = retry(everything, found, desk, "somebody", most=5)
    assert next(rest) == 2
    fail_again(world, pictures[:5])
    assert list(rest) == [], "those that failed again are not meant"
    assert len(world.requests()) == 5
    assert failed(everything, desk).pictures == 5


def test_failures_are_narrowed(world: World, desk: Desk) -> None:
    failing = [*world.add_pictures(2, "Hayfield"), *world.add_pictures(3, "TinMan")]
    world.add_pictures(2, "Hayfield")
    fail_again(world, failing)
    for failure, place, count in (
        (Failure(error_class="decode"), "Hayfield", 2),
        (Failure(error_class="missing"), "Hayfield", 0),
        (Failure(text="NOT AN"), None, 5),
        (Failure(text="100%"), None, 0),
    ):
        place_id = None if place is None else location_id(place)
        assert failed(Selection(status="failed", location_id=place_id, failure=failure), desk).pictures == count
    selection = Selection(status="failed", location_id=location_id("TinMan"), failure=Failure(text="not an"))
    assert sum(retry(selection, failed(selection, desk), desk, "somebody", most=100)) == len(world.requests()) == 3


def test_nothing_is_asked_while_a_request_is_not_recorded(world: World, desk: Desk) -> None:
    pictures = done(world, 3)
    queue(Selection(tuple(pictures)), desk)
    clock = SteppedClock()
    with pytest.raises(NotRecorded, match="sink"):
        queue(Selection(tuple(pictures)), Desk(desk.engine, desk.lags, desk.sender, clock))
    assert clock.now_s() >= 5.0
    assert len(world.requests()) == 3


def test_what_was_not_acknowledged_is_said(world: World, desk: Desk) -> None:
    pictures = done(world, 2)
    with pytest.raises(KafkaDown, match="not every one of 2"):
        queue(Selection(tuple(pictures)), Desk(desk.engine, desk.lags, Deaf(), SystemClock()))
    assert queue(Selection(tuple(pictures)), desk).asked == 2  # the lock was let go, and nothing is remembered


def test_unknown_ids_are_counted_and_some_are_named(world: World, desk: Desk) -> None:
    done(world, 1)
    nobody = tuple(uuid4() for _ in range(30))
    with pytest.raises(Unknown, match="30 ids"):
        queue(Selection(nobody), desk)
    assert world.requests() == []


def test_no_ids_are_no_pictures(world: World, desk: Desk) -> None:
    done(world, 1)
    assert queue(Selection(()), desk).task_ids == ()
