"""`thumper skip` on a real broker: passed over, taken back, refused without forgetting the one before."""

from collections.abc import Iterator

import pytest

from tests.api.world import World, open_world
from tests.processes import CLOCK, eventually
from thumper.errors import UserError
from thumper.kafka import Names, make_consumer
from thumper.positions import NotPlaced
from thumper.settings import Settings
from thumper.skip import Skipper, count


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with open_world(settings) as found:
        found.activate_model()
        found.add_pictures(5)
        yield found


def lag(world: World) -> int:
    return world.lags.read("detector", ["images", "requests"]).lag


def test_one_that_is_refused_leaves_the_one_before_to_be_taken_back(world: World) -> None:
    skipper = Skipper("detector", world.settings, world.lags, world.emitter, CLOCK)
    with pytest.raises(UserError, match="nothing to take back"):
        skipper.newest()
    placed = skipper.skip()
    assert placed is not None
    assert (count(placed.skipped), lag(world)) == (5, 0)

    world.add_pictures(2)
    working = make_consumer(world.settings, "detector")
    working.subscribe([Names(world.settings).topic("images")])
    eventually(lambda: bool(working.poll(0.1) or working.assignment()), "somebody has joined")
    with pytest.raises(NotPlaced, match="has members"):
        skipper.skip()
    working.close()
    assert skipper.newest().skipped == placed.skipped

    assert skipper.undo(skipper.newest()) == 5
    assert lag(world) == 7
    with pytest.raises(UserError, match="nothing to take back"):
        skipper.newest()
