"""The sink as the loop sees it, on a writer that keeps rows in a list."""

from collections.abc import Callable, Iterator

import pytest

from sinks.postgres.stage import SinkStage
from tests.fakes.row_writer import ListWriter
from tests.sinks.events import at, completed, imported
from thumper.batch import BatchPolicy
from thumper.clock import SystemClock
from thumper.errors import DatabaseDown, Fatal, NewerEvent
from thumper.record import Done, Partition, Record
from thumper.stage import Backpressure

WAIT_S = 10.0


def outcome(n: int) -> Record:
    return at("detections", n, event=completed(n))


@pytest.fixture
def writer() -> ListWriter:
    return ListWriter()


@pytest.fixture
def stage(writer: ListWriter) -> Iterator[SinkStage]:
    built = SinkStage(writer, SystemClock(), BatchPolicy(4, 1.0), "sink", lambda: None)
    built.open()
    yield built
    writer.gate.set()
    built.close()
    assert writer.closed


def until_done(stage: SinkStage, now_s: float = 0.0) -> Done:
    clock = SystemClock()
    deadline_s = clock.now_s() + WAIT_S
    while clock.now_s() < deadline_s:
        done = stage.poll(now_s)
        if done is not None:
            return done
        clock.sleep(0.002)
    raise AssertionError("nothing was finished")


def until(condition: Callable[[], bool]) -> None:
    clock = SystemClock()
    deadline_s = clock.now_s() + WAIT_S
    while not condition():
        assert clock.now_s() < deadline_s
        clock.sleep(0.002)


def offsets(done: Done) -> list[int]:
    return [record.offset for record in done.records]


def test_a_full_batch_is_written_at_once_and_the_rest_when_it_is_due(stage: SinkStage) -> None:
    for n in range(6):
        stage.submit(outcome(n), 0.0)
    assert stage.in_flight() == 6
    assert offsets(until_done(stage)) == [0, 1, 2, 3]
    assert stage.poll(0.9) is None
    assert offsets(until_done(stage, 1.0)) == [4, 5]
    assert stage.in_flight() == 0


def test_a_picture_and_its_outcome_are_written_at_once_and_what_follows_waits_for_company(stage: SinkStage) -> None:
    for at_s in (10.0, 10.1):
        stage.submit(outcome(0), at_s)
        assert offsets(until_done(stage, at_s)) == [0]
    stage.submit(outcome(1), 10.5)
    assert stage.poll(11.4) is None
    assert offsets(until_done(stage, 11.5)) == [1]
    stage.submit(outcome(2), 14.0)
    assert offsets(until_done(stage, 14.0)) == [2]


def test_a_trickle_makes_hardly_more_than_one_batch_in_each_wait(writer: ListWriter) -> None:
    stage = SinkStage(writer, SystemClock(), BatchPolicy(1_000, 1.0), "sink", lambda: None)
    stage.open()
    batches = []
    for tenth in range(200):
        stage.submit(outcome(tenth), tenth / 10)
        stage.poll(tenth / 10)
        if not len(stage._batcher):
            batches.append(tenth / 10)
            until_done(stage, tenth / 10)
    assert batches[:3] == [0.0, 0.1, 1.2]
    assert 18 <= len(batches) <= 23
    stage.close()


def test_done_comes_after_the_database_commit_only(stage: SinkStage, writer: ListWriter) -> None:
    writer.gate.clear()
    stage.submit(outcome(0), 0.0)
    assert stage.poll(1.0) is None
    assert writer.tried.wait(WAIT_S)
    assert stage.poll(1.0) is None
    writer.gate.set()
    assert offsets(until_done(stage, 1.0)) == [0]


def test_three_batches_are_the_most_that_it_holds(stage: SinkStage, writer: ListWriter) -> None:
    writer.gate.clear()
    for n in range(4):
        stage.submit(outcome(n), 0.0)
    stage.poll(0.0)
    assert writer.tried.wait(WAIT_S)
    for n in range(4, 12):
        stage.submit(outcome(n), 0.0)
    with pytest.raises(Backpressure):
        stage.submit(outcome(12), 0.0)
    writer.gate.set()
    assert [offsets(until_done(stage)) for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_while_the_database_is_down_it_waits_and_takes_nothing_more(stage: SinkStage, writer: ListWriter) -> None:
    writer.fail = [DatabaseDown("away"), DatabaseDown("away")]
    writer.always = DatabaseDown("away")
    stage.submit(outcome(0), 0.0)
    assert stage.poll(1.0) is None
    until(lambda: not writer.fail)
    with pytest.raises(Backpressure):
        stage.submit(outcome(1), 1.0)
    writer.always = None
    assert offsets(until_done(stage, 1.0)) == [0]
    stage.submit(outcome(1), 1.0)
    assert offsets(until_done(stage, 3.0)) == [1]


def test_after_discard_nothing_of_before_comes_out_even_if_the_database_was_down(
    stage: SinkStage, writer: ListWriter
) -> None:
    writer.always = DatabaseDown("away")
    stage.submit(outcome(0), 0.0)
    stage.poll(1.0)
    assert writer.tried.wait(WAIT_S)
    stage.discard()
    assert stage.in_flight() == 0
    writer.always = None

    def taken_again() -> bool:
        try:
            stage.submit(outcome(0), 2.0)
        except Backpressure:
            return False
        return True

    until(taken_again)
    assert offsets(until_done(stage, 4.0)) == [0]
    assert stage.poll(9.0) is None


def test_an_unreadable_record_becomes_a_dead_letter_in_its_turn(stage: SinkStage, writer: ListWriter) -> None:
    stage.submit(outcome(0), 0.0)
    stage.submit(Record(Partition("detections", 0), 1, b"{no json", key=b"k"), 0.0)
    stage.submit(outcome(2), 0.0)
    done = until_done(stage, 1.0)
    assert offsets(done) == [0, 1, 2]
    (letter,) = done.outputs
    assert (letter.topic, letter.key, letter.value) == ("dead-letters", b"k", b"{no json")
    assert writer.written[0].recorded == [("detections", 0, 3, 1_002)]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"{}",
        b'{"type":"detection.completed","boxes":[{"confidence":NaN}]}',
        b'{"type":"image.imported","sha256":"\\u0000"}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"x" * 2_000_000,
    ],
    ids=["null", "empty", "a list", "no fields", "NaN", "another topic's", "nested deep", "no UTF-8", "too large"],
)
def test_whatever_comes_it_goes_on(stage: SinkStage, value: bytes | None) -> None:
    stage.submit(Record(Partition("detections", 0), 0, value), 0.0)
    stage.submit(outcome(1), 0.0)
    done = until_done(stage, 1.0)
    assert offsets(done) == [0, 1]
    assert len(done.outputs) == 1


def test_an_event_of_a_newer_release_stops_its_partition_and_nothing_of_it_is_written(
    stage: SinkStage, writer: ListWriter
) -> None:
    newer = b'{"type":"detection.completed","version":"2.0"}'
    stage.submit(Record(Partition("detections", 1), 5, newer), 0.0)
    stage.submit(at("detections", 6, 1, event=completed(6)), 0.0)
    stage.submit(outcome(0), 0.0)
    assert stage.in_flight() == 1
    with pytest.raises(NewerEvent, match=r"detections 1 at offset 5.*2\.0") as error:
        stage.poll(0.0)
    assert error.value.partition == Partition("detections", 1)
    stage.discard()
    stage.submit(outcome(0), 0.0)
    assert offsets(until_done(stage, 2.0)) == [0]
    assert [row[1] for row in writer.written[-1].recorded] == [0]


def test_drain_writes_what_is_there(stage: SinkStage) -> None:
    for n in range(7):
        stage.submit(outcome(n), 0.0)
    drained = [offset for done in stage.drain(SystemClock().now_s() + WAIT_S) for offset in offsets(done)]
    assert drained == list(range(7))
    assert stage.in_flight() == 0


def test_drain_ends_at_its_deadline(stage: SinkStage, writer: ListWriter) -> None:
    writer.gate.clear()
    stage.submit(outcome(0), 0.0)
    assert list(stage.drain(SystemClock().now_s() + 0.05)) == []
    assert stage.in_flight() == 1


def test_what_ends_the_writer_comes_out_of_poll(stage: SinkStage, writer: ListWriter) -> None:
    writer.fail = [Fatal("no such table")]
    stage.submit(at("images", 0, event=imported(0)), 0.0)
    with pytest.raises(Fatal, match="no such table"):
        until_done(stage, 1.0)


def test_open_fails_where_the_check_does() -> None:
    def check() -> None:
        raise Fatal("another log")

    with pytest.raises(Fatal, match="another log"):
        SinkStage(ListWriter(), SystemClock(), BatchPolicy(4, 1.0), "sink", check).open()
