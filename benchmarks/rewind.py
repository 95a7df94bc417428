"""A stopped group set back to the start of topics: this is what a replay is."""

from collections.abc import Sequence

from benchmarks.parts import PATIENCE_S
from benchmarks.turns import SideFailed
from thumper.clock import SystemClock
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.positions import place_group, wait_until_left
from thumper.settings import Settings


def rewind(settings: Settings, group: str, topics: Sequence[str], lags: LagReader) -> None:
    """Waits until the group's last member is gone for the broker too. Raises SideFailed if somebody stays in it."""
    clock = SystemClock()
    try:
        wait_until_left(lags, group, PATIENCE_S, clock)
        place_group(settings, group, lags.starts(topics), clock)
    except UserError as error:
        raise SideFailed(f"the group {group} cannot be set back: {error.message}") from None
