"""What is measured of a consumer loop: its commits, by a committer around the real one, and its health when asked."""

from collections.abc import Callable, Iterator, Mapping

from thumper.clock import Clock
from thumper.errors import ThumperError
from thumper.loop import Health
from thumper.metering import Board
from thumper.metric import Family
from thumper.metrics import COMMIT_FAILURES, COMMIT_SECONDS, FINISHED, IN_FLIGHT, PAUSED, REWINDS, STOPPED, WAITING
from thumper.record import Done, Partition
from thumper.stage import Committer

# Shown before there is one: a rule needs the 0.
AWAY = {"StoreDown", "DatabaseDown", "KafkaDown", "TooManyLetters"}


class MeasuredCommitter:
    """A committer that times the calls of another one. See Committer."""

    def __init__(self, committer: Committer, group: str, board: Board, clock: Clock) -> None:
        self._committer = committer
        self._group = group
        self._board = board
        self._clock = clock
        self._seconds = board.spread(COMMIT_SECONDS, group)
        # Shown before there is one: a rate needs the 0.
        board.value(COMMIT_FAILURES, group, "Rewind")

    def open(self) -> None:
        """See Committer."""
        self._committer.open()

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        """See Committer."""
        start_s = self._clock.now_s()
        try:
            self._committer.commit(done, offsets)
        except ThumperError as error:
            self._board.add(COMMIT_FAILURES, self._group, type(error).__name__)
            raise
        took_s = self._clock.now_s() - start_s
        with self._board.lock:
            self._seconds.add(took_s)

    def close(self) -> None:
        """See Committer."""
        self._committer.close()


class LoopHealth:
    """A Collector of what a loop says of itself, so that counting it costs the loop nothing."""

    def __init__(self, group: str, health: Callable[[], Health]) -> None:
        self._group = group
        self._health = health

    def collect(self) -> Iterator[Family]:
        """The samples now."""
        health = self._health()
        for metric, value in ((IN_FLIGHT, health.in_flight), (FINISHED, health.done_total), (PAUSED, health.paused)):
            yield metric.shown({(self._group,): float(value)})
        away = type(health.waits_for).__name__
        reasons = {*AWAY, away} if health.waits_for is not None else AWAY
        yield WAITING.shown({(self._group, reason): float(reason == away) for reason in reasons})
        kinds = [stopped.kind for stopped in health.stopped.values()]
        yield STOPPED.shown({(self._group, kind): float(kinds.count(kind)) for kind in ("data_loss", "newer_event")})
        rewinds = {"Rewind": 0, "revoked": 0, **health.rewinds}
        yield REWINDS.shown({(self._group, reason): count for reason, count in rewinds.items()})
