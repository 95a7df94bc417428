"""thumper/loop_metrics.py: a committer that times another one, and a loop's health when it is asked for."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.fakes.source import ScriptedSource
from tests.fakes.stage import KeepingCommitter, ManualStage
from tests.scrape import Scrape
from thumper.clock import SteppedClock
from thumper.errors import Fatal, KafkaDown, Rewind, StoreDown, ThumperError
from thumper.loop import ConsumerLoop
from thumper.loop_metrics import LoopHealth, MeasuredCommitter
from thumper.metering import Board
from thumper.record import Done, Partition

PART = Partition("images", 0)


class SlowCommitter(KeepingCommitter):
    """Takes two seconds of the test's clock."""

    def __init__(self, source: ScriptedSource, clock: SteppedClock) -> None:
        super().__init__(source)
        self._clock = clock
        self.calls: list[str] = []

    def open(self) -> None:
        self.calls.append("open")

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        self._clock.step(2.0)
        super().commit(done, offsets)

    def close(self) -> None:
        self.calls.append("close")


def shown(*collectors: Board | LoopHealth) -> Scrape:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return Scrape(generate_latest(registry).decode())


def test_commits_are_timed_and_failures_counted_by_their_class() -> None:
    clock, board, source = SteppedClock(), Board(), ScriptedSource({PART: 3})
    inner = SlowCommitter(source, clock)
    committer = MeasuredCommitter(inner, "detector", board, clock)
    assert shown(board).one("thumper_commit_failures_total", group="detector", reason="Rewind") == 0
    committer.open()
    committer.commit(Done(()), {PART: 3})
    errors: list[ThumperError] = [Rewind("aborted"), Rewind("fenced"), KafkaDown("away"), Fatal("no right")]
    for error in errors:
        inner.fail = [error]
        with pytest.raises(type(error)):
            committer.commit(Done(()), {PART: 4})
    committer.close()
    found = shown(board)
    assert source.committed == {PART: 3}
    assert inner.calls == ["open", "close"]
    assert (found.one("thumper_commit_seconds_count"), found.one("thumper_commit_seconds_sum")) == (1, 2.0)
    assert found.by("thumper_commit_failures_total", "reason") == {"Rewind": 2, "KafkaDown": 1, "Fatal": 1}


def test_a_loops_health() -> None:
    clock, source, stage = SteppedClock(), ScriptedSource({PART: 5}), ManualStage()
    loop = ConsumerLoop(source, stage, KeepingCommitter(source), clock)
    source.open(loop)
    source.assign(PART)
    health = LoopHealth("sink", loop.health)
    loop.turn()
    loop.turn()
    assert shown(health).one("thumper_in_flight", group="sink") == 5
    stage.work(2)
    loop.turn()
    found = shown(health)
    assert (found.one("thumper_in_flight"), found.one("thumper_finished_total")) == (3, 2)
    assert found.one("thumper_paused") == 0
    stage.fail = [KafkaDown("away")]
    loop.turn()
    assert shown(health).one("thumper_paused") == 1


def test_rewinds_are_counted_once_each_by_what_they_were_for() -> None:
    clock, source, stage = SteppedClock(), ScriptedSource({PART: 5}), ManualStage()
    committer = KeepingCommitter(source)
    loop = ConsumerLoop(source, stage, committer, clock)
    source.open(loop)
    source.assign(PART)
    health = LoopHealth("detector", loop.health)
    assert shown(health).by("thumper_rewinds_total", "reason") == {"Rewind": 0, "revoked": 0}
    for error in (StoreDown("away"), Rewind("aborted")):
        loop.turn()
        loop.turn()
        stage.fail = [error]
        loop.turn()
        clock.step(60)
    loop.turn()
    loop.turn()
    source.lose(PART)
    assert shown(health).by("thumper_rewinds_total", "reason") == {"Rewind": 1, "StoreDown": 1, "revoked": 1}
