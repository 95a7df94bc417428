"""thumper/replay/replayer.py on a real broker and tables: done, refused, killed half way, undone."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer
from sqlalchemy import Engine, text

from schemas.control import GroupReplayed
from tests.api.world import World, open_world
from tests.processes import eventually
from thumper.clock import SystemClock
from thumper.control_log import groups_wanted
from thumper.database import make_engine
from thumper.emptied import Pause
from thumper.errors import KafkaDown, UserError
from thumper.groups import want
from thumper.kafka import Names, make_consumer
from thumper.replay.plan import Wish, events
from thumper.replay.replayer import LOCK_KEY, Replayer, ReplayParts
from thumper.settings import Settings

pytestmark = pytest.mark.integration
EARLIEST, CLOCK = Wish("earliest"), SystemClock()
STOPPED, PAUSED = Pause(), Pause(allowed=True)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    """12 pictures, of which one failed; and 3 more that the detector has not seen."""
    with open_world(settings) as found:
        found.activate_model()
        pictures = found.add_pictures(12)
        found.detect(failing=pictures[:1])
        found.add_pictures(3)
        found.record()
        yield found


@pytest.fixture
def engine(world: World) -> Iterator[Engine]:
    found = make_engine(world.settings, read_only=True)
    yield found
    found.dispose()


@pytest.fixture
def replayer(world: World, engine: Engine) -> Replayer:
    return Replayer(ReplayParts(world.settings, engine, world.lags, world.emitter, CLOCK))


def stands(world: World) -> dict[int, int]:
    return {part.number: offset for part, offset in world.lags.committed("detector", ["images"]).items()}


def states(replayer: Replayer) -> list[tuple[str, int]]:
    return [(replay.state, left) for replay, left in replayer.replays()]


def member(world: World) -> Consumer:
    """Somebody who is in the group."""
    found = make_consumer(world.settings, "detector")
    found.subscribe([Names(world.settings).topic("images")])
    eventually(lambda: bool(found.poll(0.1) or found.assignment()), "it has joined")
    return found


def test_looked_at_done_refused_and_undone(world: World, replayer: Replayer) -> None:
    before = stands(world)
    found = replayer.preview(EARLIEST)
    assert (events(found.moves), found.waiting, found.members) == (12, 3, 0)
    assert (found.again.pictures, found.again.completed, found.again.failed, found.again.dated) == (12, 11, 1, 11)
    assert str(found.again.first) == "2026-11-01 00:00:00"
    assert found.rate_per_minute
    assert stands(world) == before
    assert replayer.replays() == []

    placed = replayer.start(EARLIEST, "test", STOPPED)
    assert stands(world) == dict.fromkeys(before, 0)
    assert {move.partition: move.before for move in placed.moves} == {n: at for n, at in before.items() if at}
    assert states(replayer) == [("placed", 12)]

    with pytest.raises(UserError, match=r"under way: to the earliest event, .* 12 events left"):
        replayer.start(Wish("shift", back=1), "test", STOPPED)

    replayer.undo("test", STOPPED)
    assert stands(world) == before
    assert states(replayer) == [("undone", 0)]
    with pytest.raises(UserError, match="nothing to undo"):
        replayer.undo("test", STOPPED)


def test_what_was_done_meanwhile_is_not_done_again_by_undoing(world: World, replayer: Replayer) -> None:
    before = stands(world)
    replayer.start(EARLIEST, "test", STOPPED)
    world.detect(most=5)
    left = replayer.replays()[0][1]
    assert 0 < left < 12
    replayer.undo("test", STOPPED)
    assert all(stands(world)[number] >= at for number, at in before.items())
    assert world.lags.read("detector", ["images"]).lag <= 3


def test_one_that_has_come_to_its_end_gives_way_to_the_next(world: World, replayer: Replayer) -> None:
    replayer.start(EARLIEST, "test", STOPPED)
    world.detect()
    assert states(replayer) == [("placed", 0)]
    with pytest.raises(UserError, match="nothing to undo"):
        replayer.undo("test", STOPPED)
    replayer.start(Wish("shift", back=1), "test", STOPPED)
    assert states(replayer) == [("placed", 4), ("placed", 0)]


def test_times_are_those_of_the_import(world: World, replayer: Replayer) -> None:
    oldest = replayer.preview(Wish("time", at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert oldest.moves == replayer.preview(EARLIEST).moves
    (log_ms,) = replay_ms(world)
    newest = Wish("time", at=datetime.fromtimestamp((log_ms + 1) / 1_000, UTC))
    assert replayer.preview(newest).moves == ()
    with pytest.raises(UserError, match="nothing is done again"):
        replayer.start(newest, "test", STOPPED)
    assert replayer.replays() == []


def replay_ms(world: World) -> tuple[int]:
    """When the newest event was imported, by the broker."""
    engine = make_engine(world.settings)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT max(log_ms) FROM image")).scalar_one()
    engine.dispose()
    return (int(found),)


def test_an_active_group_is_refused_and_paused_if_that_is_allowed(world: World, replayer: Replayer) -> None:
    before, working = stands(world), member(world)
    with pytest.raises(UserError, match="is active: it has 1 members"):
        replayer.start(EARLIEST, "test", STOPPED)
    assert replayer.preview(EARLIEST).members == 1
    with pytest.raises(UserError, match="still has members"):
        replayer.start(EARLIEST, "test", Pause(allowed=True, wait_s=0.2))
    assert (stands(world), replayer.replays()) == (before, [])
    assert wants(world) == "running", "whoever could not go on has let the group go on"

    done: list[GroupReplayed] = []
    thread = threading.Thread(target=lambda: done.append(replayer.start(EARLIEST, "test", PAUSED)))
    thread.start()
    # What a detector does that is told to pause.
    eventually(lambda: wants(world) == "paused", "the group is told to pause")
    working.close()
    thread.join(60)
    assert [replay.state for replay in done] == ["placed"]
    assert stands(world) == dict.fromkeys(before, 0)
    assert wants(world) == "running"


def test_whoever_pauses_the_group_meanwhile_finds_it_paused(world: World, replayer: Replayer) -> None:
    working = member(world)
    thread = threading.Thread(target=lambda: replayer.start(EARLIEST, "test", PAUSED))
    thread.start()
    eventually(lambda: wants(world) == "paused", "the group is told to pause")
    want(world.settings, "detector", "paused", "somebody", world.emitter, CLOCK)
    working.close()
    thread.join(60)
    assert states(replayer) == [("placed", 12)]
    assert wants(world) == "paused"


def wants(world: World) -> str | None:
    wanted = groups_wanted(world.settings, CLOCK).get("detector")
    return None if wanted is None else wanted.state


def test_two_at_once(world: World, replayer: Replayer, engine: Engine) -> None:
    with engine.connect() as other, other.begin():
        other.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        with pytest.raises(UserError, match="another replay is being set up"):
            replayer.start(EARLIEST, "test", STOPPED)
    replayer.start(EARLIEST, "test", STOPPED)


class Dead:
    """A sender whose process is killed before the offsets are set: the broker has what came before."""

    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, topic: str, event: object) -> None:
        self._world.emitter.emit(topic, event)  # type: ignore[arg-type]

    def flush(self, timeout_s: float) -> None:
        self._world.emitter.flush(timeout_s)
        raise KafkaDown("killed")


def test_killed_before_the_offsets_are_set_nothing_is_in_the_way(
    world: World, replayer: Replayer, engine: Engine
) -> None:
    before = stands(world)
    killed = Replayer(ReplayParts(world.settings, engine, world.lags, Dead(world), CLOCK))
    with pytest.raises(KafkaDown):
        killed.start(EARLIEST, "test", STOPPED)
    assert (stands(world), states(replayer)) == (before, [("begun", 0)])
    replayer.start(EARLIEST, "test", STOPPED)
    assert states(replayer) == [("placed", 12), ("begun", 0)]
