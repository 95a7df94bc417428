"""What an import waits for before it starts: its turn, and a sink that has recorded what is in the log."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from producers.patience import Patience
from thumper.errors import UserError
from thumper.record import Partition

TOPICS = ("images", "facts")
ASK_EVERY_S = 0.1
ASK_TURN_EVERY_S = 1.0


class Log(Protocol):
    """Where the log starts and ends (thumper.lag.LagReader)."""

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The first offset of each partition."""
        ...

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The last stable offset of each partition."""
        ...


class Recorded(Protocol):
    """How far the sink is (RecordedPictures)."""

    def recorded(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        """The next offset not recorded yet."""
        ...


class Turn(Protocol):
    """The lock of imports (ImportLock)."""

    def acquire(self) -> bool:
        """Take it without waiting."""
        ...


def wait_for_turn(turn: Turn, patience: Patience) -> bool:
    """Wait until no other import runs. False if stopped meanwhile."""
    told = False
    while not turn.acquire():
        if patience.stopped():
            return False
        if not told:
            patience.say("[INFO] Another import is running; this one waits until it has ended (Ctrl-C to give up)")
            told = True
        patience.clock.sleep(ASK_TURN_EVERY_S)
    return True


def wait_until_recorded(log: Log, sink: Recorded, wait_s: float, patience: Patience) -> bool:
    """Wait until the sink has recorded all events that are in the log now. False if stopped meanwhile.

    Otherwise an import right after an import would not know the first one's pictures.
    Raises UserError after `wait_s` without progress; KafkaDown, DatabaseDown.
    """
    starts, ends = log.starts(TOPICS), log.ends(TOPICS)
    left, since_s, first = None, patience.clock.now_s(), 0
    while missing := _missing(starts, ends, sink.recorded(TOPICS)):
        now_s = patience.clock.now_s()
        if left is None:
            first = missing
            patience.say(f"[INFO] Waiting until the sink has recorded {missing:,} earlier events")
        if left is None or missing < left:
            left, since_s = missing, now_s
        if patience.stopped():
            return False
        if now_s - since_s >= wait_s:
            state = "no sink seems to run" if left == first else "the sink has stopped recording"
            raise UserError(
                f"{left:,} events are in the log but not in the tables, and {state}",
                "`thumper up` starts it; `thumper logs sink` says what it does; --wait-s gives it longer",
            )
        patience.clock.sleep(ASK_EVERY_S)
    return True


def _missing(starts: Mapping[Partition, int], ends: Mapping[Partition, int], recorded: Mapping[Partition, int]) -> int:
    return sum(max(0, end - max(recorded.get(at, 0), starts.get(at, 0))) for at, end in ends.items())
