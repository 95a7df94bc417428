"""sinks/postgres/measured.py: what is counted of writes that work, wait, or are refused."""

from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sinks.postgres.fold import fold
from sinks.postgres.measured import MeasuredWriter
from sinks.postgres.rows import Rows
from sinks.postgres.writer import Written
from tests.fakes.row_writer import ListWriter
from tests.scrape import Scrape
from tests.sinks.events import CLASSES, at, box, completed
from thumper.clock import SteppedClock
from thumper.errors import DatabaseDown, Poison
from thumper.metering import Board

ROWS = fold([(at("detections", 0), completed(0, box(5)))])


class SlowWriter(ListWriter):
    """Takes a quarter of a second of the test's clock."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__()
        self._clock = clock
        self.rows: Mapping[str, int] = {}

    def write(self, rows: Rows) -> Written:
        self._clock.step(0.25)
        super().write(rows)
        return Written(1, 2, 3, self.rows)


def shown(board: Board) -> Scrape:
    registry = CollectorRegistry()
    registry.register(board)
    return Scrape(generate_latest(registry).decode())


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def inner() -> SlowWriter:
    return SlowWriter(SteppedClock())


@pytest.fixture
def writer(inner: SlowWriter, board: Board) -> MeasuredWriter:
    return MeasuredWriter(inner, board, inner._clock)


def test_what_is_written_is_counted_by_table(writer: MeasuredWriter, inner: SlowWriter, board: Board) -> None:
    assert shown(board).by("thumper_sink_rows_total", "table") == {"image": 0, "result": 0, "box": 0}
    inner.rows = {"image": 5, "location": 1}
    assert writer.write(ROWS) == Written(1, 2, 3)
    inner.rows = {"image": 2, "box": 7}
    writer.write(ROWS)
    assert inner.written == [ROWS, ROWS]
    found = shown(board)
    assert found.by("thumper_sink_rows_total", "table") == {"image": 7, "result": 0, "box": 7, "location": 1}
    assert (found.one("thumper_sink_batches_total"), found.one("thumper_sink_absorbed_total")) == (2, 6)
    assert found.one("thumper_sink_record_seconds_count") == 2
    assert found.one("thumper_sink_record_seconds_sum") == 0.5


def test_waiting_for_the_database_is_seen_until_it_is_back(
    writer: MeasuredWriter, inner: SlowWriter, board: Board
) -> None:
    inner.fail = [DatabaseDown("away"), DatabaseDown("away")]
    for _ in range(2):
        with pytest.raises(DatabaseDown):
            writer.write(ROWS)
    found = shown(board)
    assert (found.one("thumper_sink_database_waits_total"), found.one("thumper_sink_waiting")) == (2, 1)
    assert found.one("thumper_sink_batches_total") == found.one("thumper_sink_record_seconds_count") == 0
    writer.write(ROWS)
    assert shown(board).one("thumper_sink_waiting") == 0


def test_refusals_are_counted(writer: MeasuredWriter, inner: SlowWriter, board: Board) -> None:
    inner.bad = {CLASSES[5]}
    with pytest.raises(Poison):
        writer.write(ROWS)
    assert shown(board).one("thumper_sink_refused_total") == 1


def test_cancelling_and_closing_reach_the_writer(writer: MeasuredWriter, inner: SlowWriter) -> None:
    writer.cancel()
    writer.close()
    assert (inner.cancelled, inner.closed) == (True, True)
