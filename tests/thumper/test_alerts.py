"""Alerts: when they are raised and resolved, by whom, and that a worker's next life knows of them."""

import pytest

from schemas.alert import Alert
from schemas.envelope import Event
from thumper.alerts import AFTER_S, Alarm, conditions
from thumper.clock import SteppedClock
from thumper.errors import DatabaseDown, KafkaDown, Retriable, StoreDown, TooManyLetters
from thumper.heartbeat import Identity
from thumper.loop import Health, Stopped
from thumper.record import Partition

ONE, TWO = Partition("images", 0), Partition("images", 1)
LOST = Stopped("data_loss", "gone", "accept")


def health(away: Retriable | None = None, joined: bool = True, **stopped: Stopped) -> Health:
    """A loop that has both partitions. stopped: `one` or `two`."""
    parts = {"one": ONE, "two": TWO}
    return Health(
        joined, away is not None, 0, 0, None, waits_for=away, partitions=frozenset(parts.values()),
        stopped={parts[name]: why for name, why in stopped.items()},
    )  # fmt: skip


class Log:
    """Takes alerts; `fail` times the broker is away."""

    def __init__(self, *raised: str) -> None:
        self.raised = list(raised)
        self.alerts: list[tuple[str, str]] = []
        self.fail = 0

    def emit(self, topic: str, event: Event) -> None:
        if self.fail:
            self.fail -= 1
            raise KafkaDown("away")
        assert isinstance(event, Alert)
        assert topic == "alerts"
        self.alerts.append((event.type, event.name))

    def known(self) -> list[str]:
        return self.raised


class Bench:
    def __init__(self, *raised: str) -> None:
        self.log = Log(*raised)
        self.clock = SteppedClock()
        self.alarm = Alarm(Identity("d1", "detector", "detector"), self.log, self.clock, self.log.known)

    def see(self, seen: Health, seconds: float = AFTER_S + 2) -> list[tuple[str, str]]:
        """What is sent while this lasts."""
        before = len(self.log.alerts)
        for _ in range(round(seconds * 2)):
            self.alarm.watch(seen)
            self.clock.step(0.5)
        return self.log.alerts[before:]


@pytest.mark.parametrize(
    ("seen", "names"),
    [
        pytest.param(health(), set(), id="well"),
        pytest.param(health(StoreDown("x")), {"store_away/d1"}, id="store"),
        pytest.param(health(DatabaseDown("x")), {"database_away/d1"}, id="database"),
        pytest.param(health(TooManyLetters("x")), {"too_many_dead_letters/d1"}, id="letters"),
        pytest.param(health(KafkaDown("x")), set(), id="the broker cannot be told that it is away"),
        pytest.param(health(one=LOST), {"data_loss/detector/images/0"}, id="a partition"),
    ],
)
def test_what_is_wrong_by_name(seen: Health, names: set[str]) -> None:
    assert set(conditions(seen, "detector", "d1")) == names


def test_it_is_raised_once_and_resolved_once() -> None:
    bench = Bench()
    assert bench.see(health(StoreDown("away"))) == [("alert.raised", "store_away/d1")]
    assert bench.see(health(StoreDown("away"))) == []
    assert bench.see(health()) == [("alert.resolved", "store_away/d1")]
    assert bench.see(health()) == []


def test_what_passes_at_once_wakes_nobody() -> None:
    bench = Bench()
    assert bench.see(health(StoreDown("away")), 1) + bench.see(health()) == []


def test_a_next_life_resolves_what_is_over_and_leaves_what_is_others() -> None:
    bench = Bench("store_away/d1", "store_away/d2", "data_loss/detector/images/1", "data_loss/sink/images/1", "stuck")
    found = bench.see(health(StoreDown("away"), two=LOST))
    assert found == []
    over = ["data_loss/detector/images/1", "store_away/d1"]
    assert sorted(bench.see(health())) == [("alert.resolved", name) for name in over]


def test_what_the_monitor_has_found_out_about_a_worker_is_for_the_monitor_to_resolve() -> None:
    monitors = ("worker_restarts/d1", "worker_gone/d1", "camera_silent/d1", "lag/d1")
    bench = Bench(*monitors, "database_away/d1")
    assert bench.see(health()) == [("alert.resolved", "database_away/d1")]


def test_a_partition_that_went_elsewhere_is_for_its_new_owner_to_tell() -> None:
    bench = Bench()
    bench.see(health(one=LOST))
    gone = Health(True, False, 0, 0, None)
    assert bench.see(gone) == []


def test_nothing_is_said_before_it_has_joined_and_a_broker_that_is_away_hears_of_it_later() -> None:
    bench = Bench()
    assert bench.see(health(StoreDown("away"), joined=False)) == []
    bench.log.fail = 3
    assert bench.see(health(StoreDown("away")), 20) == [("alert.raised", "store_away/d1")]
