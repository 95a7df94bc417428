"""What a receiver is told: each change once, nothing while it is quiet, and nothing that is over already."""

from datetime import UTC, datetime

from processors.monitor.told import Told
from schemas.alert import Alert
from thumper.alerts import Words, make_alert

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
QUIET_S = 600.0


def alert(name: str, *, raised: bool = True) -> Alert:
    return make_alert(name, Words("said", since=NOON if raised else None), NOON, "thumper/test")


class Receiver:
    """Takes all that is due."""

    def __init__(self) -> None:
        self.told = Told(QUIET_S)
        self._offset = 0

    def log(self, name: str, *, raised: bool = True, known: bool = False) -> None:
        self.told.note(self._offset, alert(name, raised=raised), known=known)
        self._offset += 1

    def hears(self, now_s: float) -> list[str]:
        due = self.told.due(now_s)
        for one in due:
            self.told.told(one, now_s)
        return [f"{one.type.removeprefix('alert.')} {one.name}" for one in due]


def test_each_change_is_told_once_in_the_order_of_the_log() -> None:
    one = Receiver()
    one.log("b")
    one.log("a")
    assert one.hears(0) == ["raised b", "raised a"]
    assert one.hears(1) == []
    one.log("b", raised=False)
    assert one.hears(2) == ["resolved b"]
    assert one.hears(3) == []


def test_an_alert_that_comes_and_goes_is_told_once_per_quiet_time() -> None:
    one = Receiver()
    heard = []
    for now_s in range(0, 1_200, 60):
        one.log("a", raised=now_s % 120 == 0)
        heard += [(now_s, word) for word in one.hears(now_s)]
    assert heard == [(0, "raised a"), (60, "resolved a"), (720, "raised a"), (780, "resolved a")]


def test_one_that_stays_after_it_came_back_is_told_when_the_quiet_time_is_over() -> None:
    one = Receiver()
    one.log("a")
    one.hears(0)
    one.log("a", raised=False)
    one.hears(10)
    one.log("a")
    assert one.hears(20) == []
    assert one.told.position == 2
    assert one.hears(610) == ["raised a"]
    assert one.told.position == 3


def test_what_is_over_before_it_could_be_told_is_not_told() -> None:
    one = Receiver()
    one.log("a")
    one.log("a", raised=False)
    assert one.hears(0) == []
    assert one.told.position == 2


def test_a_next_life_knows_what_was_told_and_tells_the_rest() -> None:
    one = Receiver()
    one.log("a", known=True)
    one.log("b", known=True)
    one.log("c", known=True)
    one.log("c", raised=False, known=True)
    one.log("b", raised=False)
    one.log("d")
    assert one.hears(0) == ["resolved b", "raised d"]
    assert {each.name for each in one.told.raised()} == {"a", "d"}


def test_its_position_waits_for_what_is_not_taken() -> None:
    one = Receiver()
    one.log("a")
    one.log("b")
    (first, _) = one.told.due(0)
    one.told.told(first, 0)
    assert one.told.position == 1
    assert Told(0).position == 0
