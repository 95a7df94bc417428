"""Each rule with a moved clock: when it raises, when not, and when it lets go."""

from dataclasses import replace

import pytest

from processors.monitor.rules import RULES
from processors.monitor.seen import Camera, Disk, Place, Seen, Work, Worker
from processors.monitor.windows import Windows
from tests.processors.monitor.looks import DAY_S, GIB, ONE, OUT, TWO, Change, Night, but, cells, well
from thumper.record import Partition

HOUR_MS = 3_600_000


def stands(*, one_moves: bool) -> Change:
    """Partition 1 of `images` stands at 5 with lag; the other moves, or stands too."""

    def change(seen: Seen) -> Seen:
        first = int(seen.now_s) if one_moves else 9
        places = [Place(ONE, first, 10_000), Place(TWO, 5, 900)]
        return replace(seen, groups={"detector": places})

    return change


def behind(ms: int, group: str = "detector", part: Partition = ONE) -> Change:
    """The oldest unfinished event came so many milliseconds ago. It moves on all the time."""

    def change(seen: Seen) -> Seen:
        place = Place(part, int(seen.now_s), 10_000, int(seen.now_ms - ms))
        return replace(seen, groups={group: [place]})

    return change


def rate(per_minute: int, failed: int = 0) -> Change:
    return lambda seen: replace(
        seen, windows=Windows(seen.wall.timestamp(), tuple(cells(seen.wall.timestamp(), per_minute, failed)))
    )


def both(*changes: Change) -> Change:
    def change(seen: Seen) -> Seen:
        for one in changes:
            seen = one(seen)
        return seen

    return change


def silent_for(days: float) -> Change:
    return lambda seen: replace(
        seen,
        cameras=[Camera("Gate", int(seen.now_ms - 1_000)), Camera("Creek", int(seen.now_ms - days * DAY_S * 1_000))],
    )


def letters(seen: Seen) -> Seen:
    """One more every minute from the third on."""
    return replace(seen, letters_end=5 + int(seen.now_s // 60))


def restarts(*ago_s: float) -> Change:
    return but(workers=[Worker("d1", 0.1, False, ago_s)])


STUCK = "partition_stuck/detector/images/1"
CASES = [
    pytest.param(but(work=Work(101, 0, 0)), 300, "idle", id="idle"),
    pytest.param(but(work=Work(0, 0, 1_001)), 0, "failed_pictures", id="many failed pictures"),
    pytest.param(rate(1_000, 51), 0, "failure_rate", id="a large share fails"),
    pytest.param(rate(299), 475, "slow", id="slow while work waits"),
    pytest.param(but(workers=[Worker("d1", 31.0, False)]), 0, "worker_gone/d1", id="a worker is gone"),
    pytest.param(restarts(10, 100, 200, 300), 0, "worker_restarts/d1", id="a worker starts again and again"),
    pytest.param(behind(HOUR_MS + 6_000), 0, "lag/detector", id="the oldest event is too old"),
    pytest.param(behind(HOUR_MS + 6_000, "sink", OUT), 0, "lag/sink", id="the sink too"),
    pytest.param(stands(one_moves=True), 300, STUCK, id="a partition is stuck"),
    pytest.param(letters, 60, "dead_letters", id="dead letters grow"),
    pytest.param(but(disks=[Disk("store", 4 * GIB, 100 * GIB)]), 0, "disk_low/store", id="disk low"),
    pytest.param(silent_for(30.1), 0, "camera_silent/Creek", id="a camera is silent"),
    pytest.param(
        both(behind(9 * 60_000), but(retention_ms={"images": 10 * 60_000})),
        0,
        "retention/detector/images",
        id="retention eats what is unread",
    ),
    pytest.param(but(stable={OUT: (5, 9)}), 60, "transaction_open/detections/0", id="an open transaction"),
]


def test_every_rule_has_a_case() -> None:
    assert {str(case.values[2]).partition("/")[0] for case in CASES} == set(RULES)


@pytest.mark.parametrize(("bad", "after_s", "name"), CASES)
def test_it_is_raised_once_after_its_time_and_resolved_once(bad: Change, after_s: int, name: str) -> None:
    night = Night()
    assert night.passes(120) == []
    assert night.passes(after_s, bad) == []
    assert night.passes(60, bad) == [f"raised {name}"]
    assert night.passes(600, bad) == []
    assert night.passes(1_300) == [f"resolved {name}"]
    assert night.passes(600) == []


BLIND = but(
    work=None, windows=None, groups=None, workers=None, letters_end=None, disks=None, cameras=None,
    retention_ms=None, stable=None,
)  # fmt: skip


@pytest.mark.parametrize("name", [str(case.values[2]) for case in CASES])
def test_what_an_earlier_life_has_raised_stays_so_until_it_is_seen_to_be_over(name: str) -> None:
    night = Night(name, "store_away/d1")
    assert night.passes(900, BLIND) == []
    assert night.passes(30) == []
    assert night.passes(5) == [f"resolved {name}"]


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(but(work=Work(100, 0, 0)), id="100 wait"),
        pytest.param(but(work=Work(50_000, 1, 0)), id="one is in hand"),
        pytest.param(but(work=Work(0, 0, 1_000)), id="1,000 failed"),
        pytest.param(rate(1_000, 50), id="5 % fail"),
        pytest.param(both(rate(9, 9), but(work=Work(0, 9, 0))), id="a few pictures say nothing"),
        pytest.param(both(rate(10), but(work=Work(0, 5, 0))), id="slow, but nothing waits"),
        pytest.param(rate(300), id="300 a minute"),
        pytest.param(but(workers=[Worker("d1", 900.0, True)]), id="a worker ended in order"),
        pytest.param(restarts(10, 100, 200), id="restarted twice"),
        pytest.param(restarts(10, 700, 800, 900), id="restarted long ago"),
        pytest.param(behind(HOUR_MS - 6_000), id="an hour old"),
        pytest.param(but(groups={"detector": [Place(ONE, 1, 9, None)]}), id="the oldest event is not known"),
        pytest.param(stands(one_moves=False), id="all stand: another alert's business"),
        pytest.param(but(letters_end=5_000), id="many old letters"),
        pytest.param(silent_for(29.9), id="silent for days"),
        pytest.param(both(behind(9 * 60_000), but(retention_ms={"facts": 1})), id="another topic expires"),
        pytest.param(lambda seen: replace(seen, stable={OUT: (int(seen.now_s), 99_999)}), id="transactions that end"),
        pytest.param(
            both(behind(900 * HOUR_MS), but(work=Work(90_000, 0, 0, planned=True)), rate(5)), id="a planned replay"
        ),
        pytest.param(both(stands(one_moves=True), but(work=Work(90_000, 0, 0, planned=True))), id="a planned pause"),
    ],
)
def test_nobody_is_woken(fine: Change) -> None:
    assert Night().passes(1_500, fine) == []


@pytest.mark.parametrize(
    ("off", "bad"),
    [
        pytest.param({"alert_silent_days": 0}, silent_for(900), id="cameras"),
        pytest.param({"alert_letters": 0}, letters, id="letters"),
        pytest.param({"alert_slow_per_minute": 0}, rate(0), id="slow"),
        pytest.param({"alert_disk_bytes": 0}, but(disks=[Disk("store", 0, 1)]), id="disks"),
    ],
)
def test_a_rule_can_be_switched_off(off: dict[str, int], bad: Change) -> None:
    assert Night(**off).passes(1_500, bad) == []


def test_a_value_at_the_limit_does_not_ring_all_night() -> None:
    night = Night()
    night.passes(400, but(work=Work(120, 0, 0)))
    said = []
    for pending in (95, 105) * 20:
        said += night.passes(60, but(work=Work(pending, 0, 0)))
    assert said == []
    assert night.passes(60, but(work=Work(85, 0, 0))) == ["resolved idle"]


def test_a_moment_of_good_resolves_nothing_and_a_moment_of_bad_raises_nothing() -> None:
    night = Night()
    bad = but(work=Work(500, 0, 0))
    for _ in range(5):
        assert night.passes(200, bad) == []
        assert night.passes(5) == []
    assert night.passes(310, bad) == ["raised idle"]
    for _ in range(5):
        assert night.passes(20) == []
        assert night.passes(20, bad) == []


def test_what_is_not_known_is_no_evidence() -> None:
    night = Night()
    bad, blind = but(work=Work(500, 0, 0)), but(work=None)
    assert night.passes(200, bad) + night.passes(400, blind) + night.passes(200, bad) == []
    assert night.passes(200, bad) == ["raised idle"]
    assert night.passes(900, blind) == []


def test_an_alert_says_what_was_seen_and_what_to_do() -> None:
    night = Night(alert_runbook="https://ranch.example/runbook")
    bad = but(work=Work(1_234, 0, 0))
    night.passes(300, bad)
    seen = night.memory.complete(bad(replace(_look(night), wall=night.clock.wall())))
    (alert,) = night.watch.step(seen)
    assert (alert.name, alert.observed) == ("idle", "1,234 pending, 0 in hand")
    assert alert.threshold == "more than 100 for 5 min"
    assert alert.since is not None
    assert (night.clock.wall() - alert.since).total_seconds() == 300
    assert alert.action
    assert alert.runbook == "https://ranch.example/runbook#idle"


def test_many_failures_name_where_they_come_from() -> None:
    night = Night()

    def change(seen: Seen) -> Seen:
        wall_s = seen.wall.timestamp()
        counted = cells(wall_s, 500) + cells(wall_s, 500, 200, location="Creek")
        return replace(seen, windows=Windows(wall_s, tuple(counted)))

    (alert,) = night.watch.step(night.memory.complete(change(_look(night))))
    assert alert.summary == "20.0% of the pictures of the last 10 minutes failed, most of them of location Creek"


def _look(night: Night) -> Seen:
    return well(night.clock.now_s(), night.clock)
