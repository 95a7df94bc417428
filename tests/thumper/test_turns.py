"""thumper/turns.py: every topic with work gets its share, and one that is alone is not kept waiting."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.source import ScriptedSource
from thumper.clock import SteppedClock
from thumper.loss import Loss
from thumper.record import Partition
from thumper.turns import LOOK_S, SourceInTurns, Turns

TOPICS = ("images", "requests", "more")


def test_a_topic_that_alone_has_work_is_never_held() -> None:
    turns = Turns(TOPICS, 4)
    assert turns.held({"images": 9, "requests": 0}) == frozenset()
    assert turns.held({}) == frozenset()


def test_two_with_work_take_turns() -> None:
    turns = Turns(("images", "requests"), 2)
    seen = []
    for _ in range(8):
        held = turns.held({"images": 9, "requests": 9})
        topic = next(name for name in ("images", "requests") if name not in held)
        seen.append(topic)
        turns.taken(topic)
    assert seen == ["images", "images", "requests", "requests"] * 2


def test_a_turn_ends_when_its_topic_has_no_more_work() -> None:
    turns = Turns(TOPICS, 100)
    assert turns.held({"images": 1, "requests": 5, "more": 5}) == {"requests", "more"}
    assert turns.held({"images": 0, "requests": 5, "more": 5}) == {"more"}


def test_records_of_another_topic_do_not_end_a_turn() -> None:
    turns = Turns(("images", "requests"), 2)
    for _ in range(5):
        turns.held({"images": 9, "requests": 9})
        turns.taken("requests")
    assert turns.held({"images": 9, "requests": 9}) == {"requests"}


@given(st.lists(st.integers(1, 60), min_size=2, max_size=3), st.integers(1, 7))
def test_while_it_has_work_each_gets_at_least_its_share(work: list[int], records: int) -> None:
    left = dict(zip(TOPICS, work, strict=False))
    turns, order = Turns(tuple(left), records), []
    while any(left.values()):
        held = turns.held(left)
        topic = next(name for name in left if name not in held and left[name])
        left[topic] -= 1
        order.append(topic)
        turns.taken(topic)
    assert Counter(order) == dict(zip(TOPICS, work, strict=False))
    for name in left:
        until = max(at for at, topic in enumerate(order) if topic == name)
        length = records * len(left)
        for start in range(max(0, until - length)):
            window = order[start : start + length]
            assert window.count(name) * 4 >= length, f"{name} starved in {window}"


IMAGES, REQUESTS = Partition("images", 0), Partition("requests", 0)


class Nobody:
    """A listener that has nothing to say."""

    def assigned(self, starts: object) -> None: ...
    def revoked(self, partitions: object) -> None: ...
    def lost(self, partitions: object) -> None: ...
    def gone(self, loss: Loss) -> None: ...

    def accepted(self, loss: Loss, start: int) -> None: ...


class Rig:
    """A scripted source with two topics, in turns."""

    def __init__(self, images: int, requests: int) -> None:
        self.scripted = ScriptedSource({IMAGES: images, REQUESTS: requests})
        self.clock = SteppedClock()
        self.source = SourceInTurns(self.scripted, Turns(("images", "requests"), 4), self.clock)
        self.source.open(Nobody())
        self.scripted.assign(IMAGES, REQUESTS)

    def take(self, most: int = 2) -> list[str]:
        self.clock.step(LOOK_S)
        return [record.partition.topic for record in self.source.take(most, 0.0)]


def test_a_source_delivers_in_turns_and_everything() -> None:
    rig = Rig(20, 8)
    seen = [topic for _ in range(14) for topic in rig.take()]
    assert seen[:16] == (["images"] * 4 + ["requests"] * 4) * 2
    assert seen[16:] == ["images"] * 12
    assert rig.scripted.held == set()


def test_what_the_loop_holds_stays_held_and_is_no_work_that_others_wait_for() -> None:
    rig = Rig(20, 8)
    rig.source.hold([IMAGES])
    assert {topic for _ in range(6) for topic in rig.take()} == {"requests"}
    rig.source.release([IMAGES])
    assert {topic for _ in range(6) for topic in rig.take()} == {"images"}


def test_released_by_the_loop_a_topic_still_waits_for_its_turn() -> None:
    rig = Rig(20, 20)
    assert rig.take() == ["images"] * 2
    rig.source.hold([IMAGES, REQUESTS])
    rig.source.release([IMAGES, REQUESTS])
    assert rig.scripted.held == {REQUESTS}
