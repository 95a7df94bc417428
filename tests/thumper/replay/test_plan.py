"""thumper/replay/plan.py: a replay goes back, never forward and never out of the log; undone, all is as before."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.errors import UserError
from thumper.lag import PartitionLag
from thumper.record import Partition
from thumper.replay.plan import Move, Wish, events, plan, read_time, read_wish, spoken, undo

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEFORE = datetime(2026, 11, 1, tzinfo=UTC)


def stand(number: int, start: int, committed: int | None, end: int) -> PartitionLag:
    return PartitionLag(Partition("images", number), start, committed, end)


@st.composite
def logs(draw: st.DrawFn) -> list[PartitionLag]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, 50))
        end = start + draw(st.integers(0, 50))
        found.append(stand(number, start, draw(st.none() | st.integers(start, end)), end))
    return found


wishes = st.builds(
    Wish,
    st.sampled_from(["earliest", "time", "shift", "offset"]),
    at=st.just(BEFORE),
    back=st.integers(1, 120),
    offset=st.integers(0, 120),
    partitions=st.sets(st.integers(0, 5)).map(tuple),
    clip=st.booleans(),
)


@given(logs(), wishes, st.data())
def test_whatever_is_wished_the_group_stays_in_the_log_and_skips_nothing(
    log: list[PartitionLag], wish: Wish, data: st.DataObject
) -> None:
    at_time = {one.partition: data.draw(st.integers(one.start, one.end)) for one in log}
    try:
        moves = plan(wish, log, at_time, NOW)
    except UserError:
        return
    by_partition = {one.partition: one for one in log}
    assert len({move.partition for move in moves}) == len(moves)
    for move in moves:
        one = by_partition[move.partition]
        assert one.start <= move.to < move.before == one.position
        assert not wish.partitions or move.partition.number in wish.partitions
    assert events(moves) == sum(move.before - move.to for move in moves)


@given(logs(), wishes, st.data())
def test_undone_the_group_stands_where_it_had_been_or_has_come_since(
    log: list[PartitionLag], wish: Wish, data: st.DataObject
) -> None:
    at_time = {one.partition: data.draw(st.integers(one.start, one.end)) for one in log}
    try:
        moves = plan(wish, log, at_time, NOW)
    except UserError:
        return
    gone_on = {move.partition: data.draw(st.integers(move.to, move.before + 5)) for move in moves}
    now = [stand(one.partition.number, one.start, gone_on.get(one.partition, one.position), one.end + 5) for one in log]
    after = gone_on | {move.partition: move.to for move in undo(moves, now)}
    for move in moves:
        assert after[move.partition] == max(move.before, gone_on[move.partition])


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        pytest.param(Wish("earliest"), [(0, 30, 10), (1, 40, 0)], id="the earliest"),
        pytest.param(Wish("earliest", partitions=(1,)), [(1, 40, 0)], id="one partition"),
        pytest.param(Wish("shift", back=5), [(0, 30, 25), (1, 40, 35)], id="a shift"),
        pytest.param(Wish("shift", back=25, clip=True), [(0, 30, 10), (1, 40, 15)], id="a clipped shift"),
        pytest.param(Wish("offset", offset=12, partitions=(0,)), [(0, 30, 12)], id="an offset"),
        pytest.param(Wish("offset", offset=30, partitions=(0,)), [], id="where it stands"),
        pytest.param(Wish("time", at=BEFORE), [(0, 30, 20)], id="a time, before which one partition has nothing"),
    ],
)
def test_what_is_moved(wish: Wish, wanted: list[tuple[int, int, int]]) -> None:
    log = [stand(0, 10, 30, 50), stand(1, 0, 40, 60), stand(2, 0, None, 7)]
    if wish.kind == "shift":
        log.pop()
    at_time = {Partition("images", 0): 20, Partition("images", 1): 60, Partition("images", 2): 7}
    assert [(move.partition.number, move.before, move.to) for move in plan(wish, log, at_time, NOW)] == wanted


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        pytest.param(Wish("shift", back=21), "images 0 begins at offset 10", id="a shift beyond the log"),
        pytest.param(Wish("offset", offset=9, partitions=(0,)), "cannot go back to 9", id="an offset before the log"),
        pytest.param(Wish("offset", offset=51, partitions=(0,)), "its log ends at 50", id="an offset beyond the log"),
        pytest.param(Wish("offset", offset=31, partitions=(0,)), "stands at 30 of images 0, before 31", id="a skip"),
        pytest.param(Wish("earliest", partitions=(0, 7)), "there is no partition 7", id="an unknown partition"),
        pytest.param(Wish("time", at=datetime(2027, 1, 1, tzinfo=UTC)), "still to come", id="a time to come"),
    ],
)
def test_what_cannot_be_done_is_refused(wish: Wish, words: str) -> None:
    with pytest.raises(UserError, match=words):
        plan(wish, [stand(0, 10, 30, 50)], {Partition("images", 0): 20}, NOW)


def test_a_group_outside_of_the_log_has_lost_something_first() -> None:
    with pytest.raises(UserError, match="outside of the log") as refused:
        plan(Wish("earliest"), [stand(0, 10, 3, 50)], {}, NOW)
    assert "accept-loss" in refused.value.hint


def test_undoing_in_another_log_is_refused() -> None:
    with pytest.raises(UserError, match="another log"):
        undo([Move(Partition("images", 0), 60, 10)], [stand(0, 10, 30, 50)])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        pytest.param("2026-11-01", "2026-11-01 00:00:00 UTC", id="a day"),
        pytest.param("2026-11-01T06:30:00", "2026-11-01 06:30:00 UTC", id="without offset"),
        pytest.param("2026-11-01T06:30:00-06:00", "2026-11-01 12:30:00 UTC", id="with offset"),
        pytest.param("2026-11-01 06:30:00.250Z", "2026-11-01 06:30:00 UTC", id="as Kafka's tool has it"),
    ],
)
def test_times_are_read(given: str, wanted: str) -> None:
    assert spoken(read_time(given)) == wanted


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "", "1700000000", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_said_so(given: str) -> None:
    with pytest.raises(UserError, match="is no time"):
        read_time(given)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param({}, "exactly one", id="nothing"),
        pytest.param({"earliest": True, "shift_by": -3}, "exactly one", id="two things"),
        pytest.param({"shift_by": 0}, "does not go back", id="no shift"),
        pytest.param({"shift_by": 5}, "does not go back", id="forward"),
        pytest.param({"offset": 5}, "one partition only", id="an offset of all partitions"),
    ],
)
def test_what_is_no_wish_is_said_so(said: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_wish(**said)  # type: ignore[arg-type]


def test_wishes_are_said_in_words() -> None:
    assert str(read_wish(earliest=True, partitions=[3, 1])) == "to the earliest event of partition 1, 3"
    assert str(read_wish(shift_by=-1000)) == "by 1,000 offsets in each partition"
    at = str(read_wish(at="2026-11-01"))
    assert at == "to what was imported at or after 2026-11-01 00:00:00 UTC"
