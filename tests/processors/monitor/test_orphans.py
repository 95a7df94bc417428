"""What a worker has raised of itself and can never resolve, with a moved clock."""

from dataclasses import replace

from processors.monitor.seen import Seen, Worker
from tests.processors.monitor.looks import Night, but

LEFT = ("store_away/d0", "lag/d0", "data_loss/detector/images/0", "store_away/d1")


def test_alerts_of_a_worker_that_is_gone_for_good_are_resolved_once() -> None:
    night = Night()
    assert night.passes(3_600, but(raised=LEFT)) == []
    assert night.passes(300, but(raised=LEFT)) == ["resolved store_away/d0"]
    assert night.passes(300, but(raised=("store_away/d1",))) == []


def test_what_is_raised_again_is_looked_after_again() -> None:
    night = Night()
    night.passes(3_605, but(raised=("store_away/d0",)))
    night.passes(5, but(raised=()))
    assert night.passes(3_600, but(raised=("store_away/d0",))) == []
    assert night.passes(5, but(raised=("store_away/d0",))) == ["resolved store_away/d0"]


def test_a_worker_that_is_heard_of_now_and_then_is_not_gone() -> None:
    def look(seen: Seen) -> Seen:
        silent_s = seen.now_s % 3_000
        return replace(seen, raised=("store_away/d0",), workers=[Worker("d0", silent_s, True)])

    assert Night().passes(9_000, look) == []


def test_what_is_not_known_resolves_nothing() -> None:
    assert Night("x").passes(9_000, but(raised=None)) == []
    assert Night().passes(9_000, but(raised=LEFT, workers=None)) == []
