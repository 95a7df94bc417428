"""The consumer loop without Kafka: what is committed when, and that nothing is lost or done twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.source import ScriptedSource
from tests.fakes.stage import KeepingCommitter, ManualStage
from thumper.clock import SteppedClock
from thumper.errors import Fatal, KafkaDown, NewerEvent, Rewind, StoreDown
from thumper.loop import COMMIT_EVERY_S, ConsumerLoop
from thumper.loss import Loss
from thumper.record import Partition

ONE = Partition("images", 0)
TWO = Partition("images", 1)


class Bench:
    """A loop with everything around it made of lists."""

    def __init__(self, logs: dict[Partition, int], room: int = 1_000) -> None:
        self.source = ScriptedSource(logs)
        self.stage = ManualStage(room)
        self.committer = KeepingCommitter(self.source)
        self.clock = SteppedClock()
        self.loop = ConsumerLoop(self.source, self.stage, self.committer, self.clock)
        self.source.open(self.loop)
        self.source.assign(*logs)

    def turns(self, count: int, work: int = 0, seconds: float = 0.3) -> None:
        for _ in range(count):
            self.stage.work(work)
            self.loop.turn()
            self.clock.step(seconds)


def test_finished_work_is_committed_with_its_offset_and_the_rest_is_not() -> None:
    bench = Bench({ONE: 5})
    bench.turns(2)
    bench.turns(1, work=3)
    assert bench.committer.outputs == [(ONE, 0), (ONE, 1), (ONE, 2)]
    assert bench.source.committed == {ONE: 3}


def test_a_record_that_is_alone_is_committed_at_once() -> None:
    bench = Bench({ONE: 0})
    for offset in range(3):
        bench.source.ends[ONE] = offset + 1
        bench.turns(1, seconds=0.0)
        bench.turns(1, work=1, seconds=0.0)
        assert bench.source.committed == {ONE: offset + 1}


def test_while_others_are_in_hand_commits_keep_a_distance() -> None:
    bench = Bench({ONE: 6})
    bench.turns(1, seconds=0.0)
    bench.turns(1, work=1, seconds=0.0)
    assert bench.source.committed == {ONE: 1}
    bench.turns(1, work=2, seconds=COMMIT_EVERY_S / 2)
    bench.turns(1, work=1, seconds=COMMIT_EVERY_S / 2)
    assert bench.source.committed == {ONE: 1}
    assert bench.loop.health().in_flight == 5
    bench.turns(1, seconds=0.0)
    assert bench.source.committed == {ONE: 4}
    assert bench.committer.outputs == [(ONE, offset) for offset in range(4)]


@pytest.mark.parametrize(("verb", "committed"), [("revoke", 3), ("lose", 1)])
def test_what_keeps_a_distance_is_committed_when_revoked_and_forgotten_when_lost(verb: str, committed: int) -> None:
    bench = Bench({ONE: 6})
    bench.turns(1, seconds=0.0)
    bench.turns(1, work=1, seconds=0.0)
    bench.turns(1, work=2, seconds=0.0)
    getattr(bench.source, verb)(ONE)
    assert bench.source.committed == {ONE: committed}
    bench.source.assign(ONE)
    bench.turns(8, work=6)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(6)]


def test_a_new_group_commits_its_start_at_once() -> None:
    bench = Bench({ONE: 0})
    bench.turns(1)
    assert bench.source.committed == {ONE: 0}


def test_an_idle_group_commits_once_more_when_markers_moved_its_position() -> None:
    bench = Bench({ONE: 2})
    bench.turns(3, work=2)
    bench.source.position[ONE] = 4
    bench.turns(1)
    assert bench.source.committed == {ONE: 4}


def test_a_full_stage_gets_the_same_records_later_and_in_order() -> None:
    bench = Bench({ONE: 10}, room=2)
    bench.turns(30, work=1, seconds=0.01)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(10)]


def test_in_flight_is_what_the_stage_has_and_not_what_was_only_fetched() -> None:
    bench = Bench({ONE: 10}, room=2)
    bench.turns(2)
    assert bench.loop.health().in_flight == 2


def test_no_more_is_fetched_than_the_stage_has_room_for_so_that_the_client_is_asked_often() -> None:
    bench = Bench({ONE: 10}, room=3)
    bench.turns(1)
    assert bench.source.position == {ONE: 3}
    bench.turns(2, work=1, seconds=0.01)
    assert bench.source.position == {ONE: 5}


def test_a_stage_that_stays_full_pauses_the_partitions_and_they_come_back() -> None:
    bench = Bench({ONE: 10}, room=2)
    bench.turns(8)
    assert bench.source.held == {ONE}
    bench.turns(30, work=2)
    assert bench.source.held == set()
    assert bench.source.committed == {ONE: 10}


def test_a_refused_commit_rewinds_and_everything_is_done_again_once() -> None:
    bench = Bench({ONE: 4})
    bench.turns(2)
    bench.committer.fail.append(Rewind("aborted"))
    bench.turns(1, work=4)
    assert bench.committer.outputs == []
    bench.turns(4, work=4)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(4)]
    assert bench.source.rewinds == 1


def test_a_rewind_that_fails_is_tried_again() -> None:
    bench = Bench({ONE: 4})
    bench.turns(2)
    bench.source.fail_rewind = 2
    bench.committer.fail.append(Rewind("aborted"))
    bench.turns(20, work=4)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(4)]


@pytest.mark.parametrize("error", [StoreDown("the card is out"), KafkaDown("no answer")], ids=["store", "kafka"])
def test_infrastructure_that_is_away_pauses_and_loses_nothing(error: StoreDown | KafkaDown) -> None:
    bench = Bench({ONE: 4})
    bench.turns(2)
    bench.stage.fail.append(error)
    bench.turns(1, seconds=0.0)
    assert bench.source.held == {ONE}
    assert bench.loop.health().paused
    assert bench.loop.health().last_error == error.message
    bench.turns(20, work=4)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(4)]
    assert bench.loop.health().last_error is None


def test_a_source_that_cannot_be_asked_is_not_asked_without_a_breath() -> None:
    bench = Bench({ONE: 4})
    bench.source.fail_take = 10
    before_s = bench.clock.now_s()
    bench.turns(10, seconds=0.0)
    assert bench.clock.now_s() > before_s
    assert bench.loop.health().rewinds == {"KafkaDown": 1}
    bench.turns(20, work=4)
    assert bench.committer.outputs == [(ONE, offset) for offset in range(4)]


def test_a_newer_event_stops_its_partition_and_no_other() -> None:
    bench = Bench({ONE: 2, TWO: 2})
    bench.turns(2)
    bench.stage.fail.append(NewerEvent("version 2.0", ONE))
    bench.turns(10, work=4)
    assert bench.committer.outputs == [(TWO, 0), (TWO, 1)]
    assert bench.source.committed == {ONE: 0, TWO: 2}


def test_what_was_finished_before_a_newer_event_is_committed() -> None:
    bench = Bench({ONE: 6})
    bench.turns(1, seconds=0.0)
    bench.turns(1, work=1, seconds=0.0)
    bench.turns(1, work=2, seconds=0.0)
    bench.stage.fail.append(NewerEvent("version 2.0", ONE))
    bench.turns(10, work=6)
    assert bench.source.committed == {ONE: 3}


def test_a_graceful_revoke_commits_what_the_stage_can_finish_and_rewinds_the_rest() -> None:
    bench = Bench({ONE: 3, TWO: 3})
    bench.turns(2)
    bench.stage.drains_finish = 2
    bench.source.revoke(ONE)
    assert bench.committer.outputs == [(ONE, 0), (ONE, 1)]
    assert bench.source.committed[ONE] == 2
    bench.turns(5, work=10)
    assert bench.committer.outputs[2:] == [(TWO, offset) for offset in range(3)]


def test_lost_partitions_are_never_committed() -> None:
    bench = Bench({ONE: 3})
    bench.turns(2)
    bench.stage.work(3)
    bench.source.lose(ONE)
    bench.turns(3, work=3)
    assert bench.committer.outputs == []
    assert bench.source.committed == {ONE: 0}


def test_a_position_that_is_gone_is_not_committed_over() -> None:
    bench = Bench({ONE: 3, TWO: 3})
    bench.loop.gone(Loss(ONE, 0, 2))
    bench.turns(5, work=10)
    assert (ONE, 0) not in bench.committer.outputs
    assert bench.source.committed[TWO] == 3
    health = bench.loop.health()
    assert {part: stopped.kind for part, stopped in health.stopped.items()} == {ONE: "data_loss"}
    assert health.last_error == "data loss: images 0: offsets 0 to 1 are not in the log any more"
    assert not health.paused


def test_a_loss_that_is_accepted_lets_the_partition_go_on_and_its_new_place_is_committed() -> None:
    bench = Bench({ONE: 6, TWO: 3})
    bench.source.committed[ONE] = 0
    bench.loop.gone(Loss(ONE, 0, 2))
    bench.turns(3, work=10)
    bench.source.position[ONE] = 2
    bench.loop.accepted(Loss(ONE, 0, 2), 2)
    bench.turns(5, work=10)
    assert bench.source.committed == {ONE: 6, TWO: 3}
    assert [offset for part, offset in bench.committer.outputs if part == ONE] == [2, 3, 4, 5]
    assert (bench.loop.health().stopped, bench.loop.health().last_error) == ({}, None)


def test_it_is_paused_from_a_failure_until_something_is_finished() -> None:
    bench = Bench({ONE: 4})
    bench.turns(2)
    bench.stage.fail = [StoreDown("the card is out")]
    bench.turns(3)
    assert (bench.loop.health().paused, type(bench.loop.health().waits_for)) == (True, StoreDown)
    bench.turns(2)
    assert bench.loop.health().paused
    bench.turns(1, work=4)
    assert (bench.loop.health().paused, bench.loop.health().waits_for) == (False, None)


def test_it_is_not_paused_for_ever_where_nothing_is_left_to_finish() -> None:
    bench = Bench({ONE: 0})
    bench.turns(1)
    bench.committer.fail.append(KafkaDown("no answer"))
    bench.source.position[ONE] = 1
    bench.turns(2)
    assert bench.loop.health().paused
    bench.turns(30)
    assert not bench.loop.health().paused


def test_a_slow_stage_is_not_paused_and_one_that_waits_is() -> None:
    bench = Bench({ONE: 10}, room=2)
    bench.turns(8)
    assert bench.source.held == {ONE}
    assert not bench.loop.health().paused
    bench.stage.away = StoreDown("the card is out")
    assert (bench.loop.health().paused, bench.loop.health().last_error) == (True, "the card is out")


def test_a_stage_that_hands_out_of_order_is_stopped_before_it_loses_anything() -> None:
    bench = Bench({ONE: 3})
    bench.turns(2)
    bench.stage.taken.rotate(1)
    with pytest.raises(Fatal, match="out of order"):
        bench.turns(1, work=1)
    assert bench.source.committed == {ONE: 0}


def test_stop_finishes_what_is_in_hand() -> None:
    bench = Bench({ONE: 3})
    bench.turns(2)
    bench.stage.drains_finish = 3
    bench.loop.stop()
    bench.loop.run()
    assert bench.source.committed == {ONE: 3}
    assert bench.source.closed


@given(
    st.lists(
        st.sampled_from(["turn", "work", "rewind", "store", "revoke", "assign", "lose"]),
        max_size=60,
    ),
    st.sampled_from([0.01, 0.3]),
)
def test_whatever_happens_each_record_is_committed_exactly_once(steps: list[str], seconds: float) -> None:
    bench = Bench({ONE: 6, TWO: 6}, room=4)
    for step in steps:
        if step == "work":
            bench.stage.work(2)
        elif step == "rewind":
            bench.committer.fail.append(Rewind("aborted"))
        elif step == "store":
            bench.stage.fail.append(StoreDown("out"))
        elif step in {"revoke", "lose"} and ONE in bench.source.position:
            bench.stage.drains_finish = 1
            bench.stage.fail.clear()
            bench.committer.fail.clear()
            getattr(bench.source, step)(ONE)
        elif step == "assign" and ONE not in bench.source.position:
            bench.source.assign(ONE)
        bench.turns(1, seconds=seconds)
    if ONE not in bench.source.position:
        bench.source.assign(ONE)
    bench.turns(40, work=12, seconds=11.0)
    assert sorted(bench.committer.outputs) == [(part, offset) for part in (ONE, TWO) for offset in range(6)]
    assert bench.source.committed == {ONE: 6, TWO: 6}
