"""The steps of a rebuild, in an order that loses nothing wherever it is broken off.

The group is placed at the log's start first, the tables are emptied second. Broken off in between, the sink reads all
of the log into full tables, which changes nothing. The other way round it would go on where it was, on empty tables (it
refuses to, see sinks.postgres.identity).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from producers.catch_up import wait_for_turn
from producers.known import ImportLock
from producers.patience import Patience
from sinks.postgres.rebuild import empty_tables, held
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.embedded.stack import EmbeddedStack
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.positions import place_group, wait_until_left
from thumper.record import Partition
from thumper.settings import Settings
from thumper.topics import RECORDED

SINK = "sink"
LOOK_EVERY_S = 0.2
SAY_EVERY_S = 2.0
Say = Callable[[str], None]


@contextmanager
def stopped_sink(settings: Settings, say: Say) -> Iterator[None]:
    """The embedded stack's sink does not run inside; one that runs elsewhere is somebody else's."""
    if not settings.embedded:
        yield
        return
    with EmbeddedStack(settings.data_dir, say=say).held(lambda name: name == SINK):
        yield


def follow_sink(lags: LagReader, ends: Mapping[Partition, int], clock: Clock, say: Say) -> None:
    """Say how far the sink is, until it has recorded the log up to `ends`. Raises KafkaDown."""

    def missing() -> int:
        sink = lags.read(SINK, RECORDED)
        return sum(max(0, ends[part.partition] - max(part.position, part.start)) for part in sink.partitions)

    began_s, said_s, total = clock.now_s(), float("-inf"), missing()
    if total and not lags.members(SINK):
        say("[INFO] Waiting for a sink: start it where it was stopped")
    while left := missing():
        now_s = clock.now_s()
        if now_s - said_s >= SAY_EVERY_S:
            said_s, done = now_s, total - left
            time_left = f", about {left / done * (now_s - began_s):.0f} s left" if done else ""
            say(f"[INFO] Recorded {done:,} of {total:,} offsets{time_left}")
        clock.sleep(LOOK_EVERY_S)


class Rebuild:
    """One rebuild. A context manager: leaving it gives back its connections."""

    def __init__(self, settings: Settings, clock: Clock, say: Say) -> None:
        self._settings, self._clock, self._say = settings, clock, say
        self._closing = ExitStack()
        self._engine = make_engine(settings, statement_timeout_ms=0, application_name="thumper rebuild")
        self._closing.callback(self._engine.dispose)
        self._lags = LagReader(settings, clock)
        self._closing.callback(self._lags.close)
        self._ends: Mapping[Partition, int] = {}
        self._began_s = clock.now_s()

    def plan(self) -> list[str]:
        """What is there, and what would be read. Raises DatabaseDown, KafkaDown."""
        rows = held(self._engine)
        starts, ends = self._lags.starts(RECORDED), self._lags.ends(RECORDED)
        events = sum(end - starts[part] for part, end in ends.items())
        lines = [
            f"[INFO] The tables hold {rows.pictures:,} pictures, {rows.results:,} results and {rows.boxes:,} boxes",
            f"[INFO] They are emptied, and filled again from {events:,} offsets of the log",
        ]
        if rows.hand_resets:
            lines.append(f"[WARN] {rows.hand_resets:,} pictures that were reset by hand are forgotten to be so")
        cut = sum(1 for start in starts.values() if start)
        if cut:
            lines.append(f"[WARN] {cut} partitions of the log do not begin at offset 0: what was there does not return")
        return lines

    def begin(self, wait_s: float) -> None:
        """Place the group, empty the tables; no sink runs. No import may run meanwhile: it would know no picture.

        Raises UserError if the group has members; KafkaDown, DatabaseDown.
        """
        lock = ImportLock(self._engine)
        patience = Patience(self._clock, lambda: False, self._say)
        wait_until_left(self._lags, SINK, wait_s, self._clock, self._say)
        wait_for_turn(lock, patience)
        try:
            starts = self._lags.starts(RECORDED)
            place_group(self._settings, SINK, starts, self._clock)
            empty_tables(self._engine)
            self._see_that_nobody_moved_it(starts)
        finally:
            lock.release()
        self._ends = self._lags.ends(RECORDED)
        self._began_s = self._clock.now_s()
        self._say("[INFO] The tables are empty")

    def follow(self) -> None:
        """Say how far the sink is, until it has recorded what was in the log. Raises KafkaDown."""
        follow_sink(self._lags, self._ends, self._clock, self._say)

    def closing(self) -> str:
        """What came out."""
        rows = held(self._engine)
        took_s = self._clock.now_s() - self._began_s
        return f"rebuild: {rows.pictures:,} pictures, {rows.results:,} results, {rows.boxes:,} boxes in {took_s:.0f} s"

    def _see_that_nobody_moved_it(self, starts: Mapping[Partition, int]) -> None:
        moved = any(offset > starts[part] for part, offset in self._lags.committed(SINK, RECORDED).items())
        if moved or self._lags.members(SINK):
            raise UserError(
                "a sink was started while the tables were emptied", "stop every sink, then the same command again"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()
