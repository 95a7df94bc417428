"""Passes of the whole pipeline over one log: real processes, every picture detected and recorded again in each pass."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks import cpu
from benchmarks.parts import PATIENCE_S, Part, Parts
from benchmarks.rewind import rewind
from benchmarks.turns import SideFailed
from cli.wiring import DETECTOR, SINK, weights_of
from processors.detector.model import STORE_THRESHOLD, describe
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.embedded.waiting import wait_until
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.tables import COMPLETED
from thumper.topics import RECORDED, WORK

# Looking costs the processor time that is being measured: seldom while much is left, often near the end.
LOOK_S = 0.25
LAST_LOOK_S = 0.02
# A model's outcomes: completed ones, all.
_RECORDED = text("SELECT count(*) FILTER (WHERE state = :completed), count(*) FROM result WHERE model_id = :model_id")


@dataclass(frozen=True, slots=True)
class Pass:
    """rate: pictures a second over all of it; steady: the same between the tenth and the ninetieth hundredth.

    used_ms: processor time of all parts together, a picture.
    shares: see cpu.shares; "benchmark" is what the looking cost, "others" what disturbed.
    """

    rate: float
    steady: float
    used_ms: float
    shares: dict[str, float]


class Passes:
    """One log of pictures, and as many passes as are wanted.

    A pass: the stopped group is set back to the start of `images`, a fresh detector is started, and the clock runs from
    the moment when it has its partitions (its model is loaded; nothing was taken yet) until every picture's outcome
    of this pass is recorded in PostgreSQL and the lag of detector and sink is exactly 0. Sink, broker, database and
    API run all the time. Each pass is a model of its own (its storing threshold is another), so that outcomes add rows
    and pictures change their states, as with pictures that were never looked at.
    """

    def __init__(self, settings: Settings, parts: Parts, servers: Mapping[str, int]) -> None:
        self._settings = settings
        self._parts = parts
        self._servers = servers
        self.clock = SystemClock()
        self.engine = make_engine(settings)
        self._lags = LagReader(settings)
        self.pictures = 0
        self._passed = 0
        self.others: dict[str, int] = {}
        self.sink: Part

    def prepare(self, card: Path, pictures: int) -> None:
        """Start sink and API, and import `card`, which has so many pictures. Raises SideFailed."""
        self.sink, api = self._parts.start("sink", "--name", SINK).wait_ready(), self._parts.start("api")
        self.others = {**self._servers, SINK: self.sink.pid, "api": api.pid}
        done = self._parts.json_of("import", str(card), "--json")
        if done["imported"] != pictures:
            raise SideFailed(f"{done['imported']} of {pictures} pictures were imported: {done['complaints'][:1]}")
        self.pictures = pictures
        self._wait(lambda: self._lags.read(SINK, RECORDED).lag == 0, self.sink, "the sink records the import")

    def one(self) -> Pass:
        """One pass. Raises SideFailed."""
        rewind(self._settings, DETECTOR, ["images"], self._lags)
        self._passed += 1
        settings = self._settings.model_copy(update={"store_threshold": STORE_THRESHOLD + self._passed / 10_000})
        model = describe(weights_of(settings), settings.store_threshold)
        detector = self._parts.start("detector", "--name", "detector-1", settings=settings)
        try:
            detector.wait_ready()
            return self.measured(detector, model.id)
        finally:
            detector.stop()

    def close(self) -> None:
        """Give back the connections."""
        self._lags.close()
        self.engine.dispose()

    def measured(self, detector: Part, model_id: str) -> Pass:
        """From the detector's partitions to the last row. Raises SideFailed."""
        pids = {DETECTOR: detector.pid, **self.others}
        before, looked_s = cpu.used_s(pids), self.clock.now_s()
        start = detector.said_at("partitions assigned").timestamp()
        seen = self._watch(detector, model_id)
        end = self.clock.wall().timestamp()
        after = cpu.used_s(pids)
        used_ms = 1_000 * sum(after[name] - before[name] for name in pids) / self.pictures
        whole_s = (self.clock.now_s() - looked_s) * (os.cpu_count() or 1)
        shares = cpu.shares(before, after, whole_s)
        return Pass(self.pictures / (end - start), steady_rate(seen, self.pictures), used_ms, shares)

    def _watch(self, detector: Part, model_id: str) -> list[tuple[float, int]]:
        """Look until all is done; what was recorded when: (monotonic seconds, pictures)."""
        seen = [(self.clock.now_s(), 0)]

        def recorded() -> bool:
            seen.append((self.clock.now_s(), self._recorded(model_id)))
            return seen[-1][1] == self.pictures

        def drained() -> bool:
            return self._lags.read(DETECTOR, WORK).lag == 0 and self._lags.read(SINK, RECORDED).lag == 0

        self._wait(recorded, detector, "all pictures are recorded", LOOK_S)
        self._wait(drained, detector, "the lag is 0", LAST_LOOK_S)
        return seen

    def _recorded(self, model_id: str) -> int:
        with self.engine.connect() as connection:
            completed, all_ = connection.execute(_RECORDED, {"completed": COMPLETED, "model_id": model_id}).one()
        if all_ != completed:
            raise SideFailed(f"{all_ - completed} pictures have failed outcomes: measure with whole ones")
        return int(completed)

    def _wait(self, holds: Callable[[], bool], part: Part, what: str, look_s: float = LOOK_S) -> None:
        """Until it holds. Raises SideFailed if `part` ends, or at a pace of less than a picture a second."""

        def looked() -> bool:
            part.check()
            return holds()

        limit_s = PATIENCE_S + self.pictures
        if not wait_until(looked, self.clock, limit_s, look_s):
            raise SideFailed(f"not within {limit_s:.0f} s: {what}")


def steady_rate(seen: Sequence[tuple[float, int]], pictures: int) -> float:
    """Pictures a second between the first look with a tenth done and the last with no more than nine tenths.

    0.0 where that is no span of time.
    """
    inner = [(at_s, done) for at_s, done in seen if 0.1 * pictures <= done <= 0.9 * pictures]
    if len(inner) < 2 or inner[-1][0] <= inner[0][0]:
        return 0.0
    return (inner[-1][1] - inner[0][1]) / (inner[-1][0] - inner[0][0])
