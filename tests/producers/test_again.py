"""producers/again.py on real topics and tables: what is meant, and that each is asked for once."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from producers.again import Meant, again, lines, preview
from producers.chosen import Chosen
from producers.requests import Desk
from schemas.codec import decode
from tests.api.world import MODEL, World, open_world
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.errors import UserError
from thumper.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with open_world(settings) as found:
        found.activate_model()
        yield found


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    engine: Engine = make_engine(world.settings, read_only=True)
    yield Desk(engine, world.lags, world.emitter, SystemClock())
    engine.dispose()


def asked(world: World) -> list[UUID]:
    return [decode("requests", record.value).image for record in world.requests()]


def test_what_is_meant_and_that_each_is_asked_for_once(world: World, desk: Desk) -> None:
    hayfield = world.add_pictures(12, "Hayfield")
    tinman = world.add_pictures(4, "TinMan")
    failed = {hayfield[0], tinman[0]}
    world.detect(failing=failed)
    fresh = world.add_pictures(2, "TinMan")
    world.record()
    everything = {*hayfield, *tinman, *fresh}

    def meant(chosen: Chosen) -> tuple[int, int, int, int]:
        found = preview(chosen, desk)
        return found.pictures, found.completed, found.failed, found.waiting

    assert meant(Chosen(location="TinMan")) == (6, 3, 1, 2)
    assert meant(Chosen(state="failed")) == (2, 0, 2, 0)
    assert meant(Chosen(state="pending")) == (2, 0, 0, 2)
    assert meant(Chosen(state="completed", location="Hayfield")) == (11, 11, 0, 0)
    assert meant(Chosen(class_name="doe")) == (14, 14, 0, 0)
    assert meant(Chosen(class_name="pig")) == (0, 0, 0, 0), "too faint to be displayed"
    assert meant(Chosen(class_name="pig", confidence=0.1)) == (14, 14, 0, 0)
    assert meant(Chosen(model="demo")) == meant(Chosen(model=MODEL.id)) == (16, 14, 2, 0)
    assert meant(Chosen(error="NOT AN image")) == (2, 0, 2, 0)
    assert meant(Chosen(error="decode", location="TinMan")) == (1, 0, 1, 0)
    assert meant(Chosen(taken_from=datetime(2026, 11, 1), taken_to=datetime(2026, 11, 1, 0, 3))) == (4, 3, 1, 0)
    assert meant(Chosen(ids=(tinman[1], uuid4()))) == (1, 1, 0, 0)
    assert asked(world) == [], "looking asks for nothing"

    found = again(Chosen(location="TinMan"), desk, "test")
    assert (found.pictures, found.asked) == (6, 4)
    assert set(asked(world)) == set(tinman)
    world.record()
    found = again(Chosen(location="TinMan"), desk, "test")
    assert (found.pictures, found.asked) == (6, 0), "all of them wait"
    found = again(Chosen(taken_from=datetime(2026, 1, 1)), desk, "test")
    assert found.asked == len([one for one in hayfield if hayfield.index(one) != 9])
    assert len(set(asked(world))) == len(asked(world))
    assert set(asked(world)) < everything


def test_what_does_not_exist_is_said(world: World, desk: Desk) -> None:
    world.add_pictures(1, "TinMan")
    world.record()
    with pytest.raises(UserError, match="no location is called 'Tinman'") as refused:
        preview(Chosen(location="Tinman"), desk)
    assert refused.value.hint == "known: TinMan"
    with pytest.raises(UserError, match="no model is called 'best'"):
        again(Chosen(model="best"), desk, "test")
    with pytest.raises(UserError, match="nothing says which pictures"):
        again(Chosen(), desk, "test")
    assert asked(world) == []


def test_the_dry_run_says_it_all() -> None:
    first, last = datetime(2026, 10, 1, 6), datetime(2026, 11, 3, 18)
    places = (("Hayfield", 1_900), ("TinMan", 100))
    meant = Meant(2_000, 5, 1_990, first, last, 1_900, 95, places, rate_per_minute=500)
    assert meant.seconds == 240
    said = "\n".join(lines(meant, 2_001, "4 min"))
    for words in (
        "2,000 pictures",
        "2,001 ids",
        "2026-10-01 06:00:00 to 2026-11-03 18:00:00 (10 without",
        "TinMan 100",
        "about 4 min at 500 pictures a minute",
    ):
        assert words in said
    assert "1,900 completed and 95 failed" in said
    assert "5 of them wait already" in said
    assert "".join(lines(Meant(0, 0, 0, None, None, 0, 0, ()), 0)) == "[INFO] 0 pictures are meant"
