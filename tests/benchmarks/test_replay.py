"""The sink over a replay's outcomes: every row is replaced, and what changes nothing is noticed."""

from collections.abc import Iterator

import pytest

from benchmarks import sink
from benchmarks.replay import SINK_QUESTIONS, later, rates, sink_row
from benchmarks.turns import SideFailed
from sinks.postgres.migrate import migrate
from sinks.postgres.writer import PostgresWriter
from thumper.database import make_engine
from thumper.settings import Settings

COUNT = 50


def test_later_outcomes_stand_behind_all_others() -> None:
    _, outcomes = sink.history(COUNT)
    again = later(outcomes)
    assert [event for _, event in again] == [event for _, event in outcomes]
    assert min(record.offset for record, _ in again) > max(record.offset for record, _ in outcomes)


@pytest.mark.integration
def test_a_row_of_two_batches(settings: Settings) -> None:
    row = sink_row(SINK_QUESTIONS[0], settings, COUNT)
    assert (row.rounds, row.reason) == (1, "")
    assert row.ratio is not None


@pytest.fixture
def writer(settings: Settings) -> Iterator[PostgresWriter]:
    migrate(settings)
    engine = make_engine(settings)
    made = PostgresWriter(engine)
    sink.prepare(engine, made)
    yield made
    made.close()
    engine.dispose()


@pytest.mark.integration
def test_outcomes_that_change_nothing_are_no_result(writer: PostgresWriter) -> None:
    _, outcomes = sink.history(COUNT)
    assert len(rates(writer, outcomes)) == len(rates(writer, later(outcomes))) == 1
    with pytest.raises(SideFailed, match="50 of 50 rows changed nothing"):
        rates(writer, outcomes)
