"""Pausing a group, without Kafka: a member that shall not take part leaves in order, and comes back."""

from pathlib import Path

import pytest

from schemas.control import GroupWanted
from tests.fakes.source import ScriptedSource
from tests.fakes.stage import KeepingCommitter, ManualStage
from thumper.clock import SteppedClock
from thumper.errors import KafkaDown
from thumper.heartbeat import LEFT, WaitMark, state_of
from thumper.loop import ConsumerLoop, Health
from thumper.obedience import ObedientSource
from thumper.record import Partition
from thumper.wishes import Wanted, Wish, drained, wish_for

ONE = Partition("images", 0)
NONE: frozenset[Partition] = frozenset()


class SaidWishes:
    """What the test says."""

    def __init__(self, state: Wanted = "running") -> None:
        self.state = state
        self.fail: list[KafkaDown] = []
        self.closed = False

    def wanted(self) -> Wanted:
        if self.fail:
            raise self.fail.pop()
        return self.state

    def close(self) -> None:
        self.closed = True


class Bench:
    """A loop whose source obeys the test."""

    def __init__(self, state: Wanted = "running", count: int = 5) -> None:
        self.inner = ScriptedSource({ONE: count})
        self.wishes = SaidWishes(state)
        self.stage = ManualStage()
        self.clock = SteppedClock()
        source = ObedientSource(self.inner, self.wishes)
        self.loop = ConsumerLoop(source, self.stage, KeepingCommitter(self.inner), self.clock)
        source.open(self.loop)

    def turns(self, count: int, work: int = 0) -> None:
        for _ in range(count):
            self.stage.work(work)
            self.loop.turn()
            self.clock.step(0.3)

    def join(self) -> None:
        self.turns(1)
        self.inner.assign(ONE)


def test_a_member_that_shall_pause_commits_what_it_can_finish_and_leaves() -> None:
    bench = Bench()
    bench.join()
    bench.turns(2)
    bench.stage.drains_finish = 3
    bench.wishes.state = "paused"
    bench.turns(2)
    assert bench.inner.committed == {ONE: 3}
    assert not bench.inner.joined()
    health = bench.loop.health()
    assert (health.left, health.paused, health.in_flight) == (True, False, 0)


def test_it_joins_again_and_does_what_it_had_not_finished() -> None:
    bench = Bench()
    bench.join()
    bench.turns(2)
    bench.wishes.state = "paused"
    bench.turns(3)
    bench.wishes.state = "running"
    bench.turns(1)
    assert bench.inner.opened == 2
    bench.inner.assign(ONE)
    bench.turns(4, work=5)
    assert bench.inner.committed == {ONE: 5}
    assert not bench.loop.health().left


def test_one_that_starts_while_its_group_is_paused_does_not_join() -> None:
    bench = Bench("paused")
    bench.turns(3)
    assert bench.inner.opened == 0
    assert bench.loop.health().left
    bench.wishes.state = "draining"
    bench.turns(1)
    assert bench.inner.opened == 1
    assert not bench.loop.health().left


def test_it_joins_only_when_it_knows_that_it_may() -> None:
    bench = Bench()
    bench.wishes.fail = [KafkaDown("no answer")]
    bench.turns(1)
    assert bench.inner.opened == 0
    bench.turns(3)
    assert bench.inner.opened == 1


def test_while_it_leaves_it_hands_out_what_was_delivered() -> None:
    bench = Bench(count=2)
    bench.join()
    bench.turns(2)
    bench.inner.ends[ONE] = 4
    bench.wishes.state = "paused"
    bench.stage.drains_finish = 4
    bench.turns(2)
    assert bench.inner.committed == {ONE: 2}
    bench.wishes.state = "running"
    bench.turns(1)
    bench.inner.assign(ONE)
    bench.turns(5, work=4)
    assert bench.inner.committed == {ONE: 4}


def test_wishes_end_with_the_source() -> None:
    bench = Bench()
    bench.loop.stop()
    bench.loop.run()
    assert (bench.wishes.closed, bench.inner.closed) == (True, True)


@pytest.mark.parametrize(
    ("reads", "state"),
    [
        pytest.param([], "running", id="nobody has decided"),
        pytest.param([(0, "paused")], "paused", id="the newest"),
        pytest.param([(0, "paused"), (1, "running")], "running", id="resumed"),
        pytest.param([(5, "draining"), (3, "paused")], "draining", id="an older one changes nothing"),
    ],
)
def test_the_newest_wish_counts(reads: list[tuple[int, Wanted]], state: str) -> None:
    wish = Wish("detector")
    for offset, wanted in reads:
        wish.read(offset, GroupWanted(group="detector", state=wanted))
    assert wish.state == state


def test_wishes_for_others_and_other_decisions_change_nothing() -> None:
    wish = Wish("detector")
    assert not wish.read(0, GroupWanted(group="sink", state="paused"))
    assert not wish.read(1, None)
    assert wish.state == "running"


def test_the_end_of_a_drain_is_the_same_event_from_every_member() -> None:
    clock = SteppedClock()
    draining = wish_for("detector", "draining", "somebody", clock)
    first = drained(draining, clock)
    clock.step(1.0)
    second = drained(draining, clock)
    assert first.id == second.id
    assert (second.state, second.group, second.wanted_by) == ("paused", "detector", "somebody")


def seen(wanted: Wanted, joined: bool, paused: bool = False, partitions: frozenset[Partition] = NONE) -> Health:
    return Health(joined, paused, 0, 0, None, partitions=partitions, wanted=wanted)


@pytest.mark.parametrize(
    ("health", "state"),
    [
        pytest.param(seen("running", joined=False), "starting", id="not yet joined"),
        pytest.param(seen("running", joined=True), "running", id="running"),
        pytest.param(seen("running", joined=True, paused=True), "paused", id="waits for the store"),
        pytest.param(seen("draining", joined=True), "draining", id="draining"),
        pytest.param(seen("paused", joined=False, partitions=frozenset([ONE])), "draining", id="still leaving"),
        pytest.param(seen("paused", joined=False), "paused", id="has left"),
    ],
)
def test_a_heartbeat_says_it_in_a_word(health: Health, state: str) -> None:
    assert state_of(health) == state


def test_what_has_left_says_so_in_its_mark_and_takes_it_back(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    mark = WaitMark(tmp_path, "detector-1")
    mark.watch(seen("paused", joined=False))
    assert (tmp_path / "run" / "detector-1.waits").read_text().startswith(LEFT)
    mark.watch(seen("running", joined=True))
    assert not (tmp_path / "run" / "detector-1.waits").exists()
