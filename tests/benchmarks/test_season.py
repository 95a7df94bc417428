"""Rows and events of a season agree with each other, and the status with both, wherever the committed offset lies."""

import pytest

from api.snapshot import StatusReader
from api.status import Status
from api.workers import Beats
from benchmarks.season import Season, fill
from thumper.audit.rows import snapshot
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.tables import BLOCK

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "done",
    [
        pytest.param(100, id="low in the first block"),
        pytest.param(BLOCK // 2, id="in the middle of a block"),
        pytest.param(3_000, id="high in the first block"),
        pytest.param(BLOCK, id="at the edge of a block"),
        pytest.param(BLOCK + 7, id="low in the last block"),
        pytest.param(5_000, id="all"),
    ],
)
def test_the_status_says_what_was_filled_in(settings: Settings, done: int) -> None:
    settings = settings.model_copy(update={"partitions": 1})
    season = Season(5_000, done)
    fill(settings, season)
    now = _status(settings)
    assert {name: getattr(now.numbers, name) for name in season.numbers()} == season.numbers()
    assert now.lag == 5_000 - done
    assert sum(numbers.total for numbers in now.locations.values()) == 5_000


def test_states_and_places_follow_from_the_rows(settings: Settings) -> None:
    fill(settings, Season(3_000, 2_000))
    with snapshot(settings) as tables:
        assert tables.all("derived") == []
        assert tables.all("boxes") == []


def _status(settings: Settings) -> Status:
    clock, lags, engine = SystemClock(), LagReader(settings), make_engine(settings, read_only=True)
    try:
        return StatusReader(engine, lags, Beats(clock), clock).read().status
    finally:
        engine.dispose()
        lags.close()
