"""The two seams of the consumer loop: the stage that works, and the committer that makes work final."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from thumper.errors import Retriable
from thumper.record import Done, Partition, Record


class Backpressure(Exception):
    """The stage is full; offer the same record again later."""


class Stage(Protocol):
    """What the loop gives records to. The loop's thread alone calls it.

    A stage may be handed records of a partition that it has handed out before (after a rewind); it need not care:
    the loop drops results of an earlier epoch.
    """

    def open(self) -> None:
        """Load what is needed; called once, before the group is joined. May block. Raises Fatal."""
        ...

    def room(self, now_s: float) -> int:
        """How many more records are worth fetching for it; 0 means that `submit` would refuse one. Never blocks."""
        ...

    def submit(self, record: Record, now_s: float) -> None:
        """Take `record`. Never blocks. Raises only Backpressure.

        An unreadable record is not an error here: it becomes a dead letter among the outputs, in its turn.
        """
        ...

    def poll(self, now_s: float) -> Done | None:
        """What is finished, in the order taken; None if nothing is. Never blocks.

        Raises Retriable (the loop pauses, discards, rewinds and tries again later) or Fatal.
        """
        ...

    def wait(self, timeout_s: float) -> None:
        """Return when `poll` may have something to hand out, or after `timeout_s`. With something in hand only."""
        ...

    def drain(self, deadline_s: float) -> Iterator[Done]:
        """On revoke and stop: finish what was taken, until the monotonic `deadline_s`. May block until then.

        What is not done by then is left uncommitted.
        """
        ...

    def discard(self) -> None:
        """Forget all that was taken and not yet handed out (rewind, lost partitions). May wait for work in progress."""
        ...

    def waits_for(self) -> Retriable | None:
        """What is away, if it takes nothing for that reason and will go on by itself. Never blocks."""
        ...

    def in_flight(self) -> int:
        """Records taken and not yet handed out."""
        ...

    def close(self) -> None:
        """Release what `open` took. Called once; may block for a few seconds."""
        ...


class Committer(Protocol):
    """The one owner of the commit order.

    Detector: outputs and offsets in one transaction. Sink: rows are in already; dead letters are acknowledged, then
    offsets are committed.
    """

    def open(self) -> None:
        """Get ready (init_transactions). May block. Raises Retriable or Fatal."""
        ...

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        """Make `done` final, with `offsets` as the group's positions. Blocks for a bounded time.

        Raises Rewind (nothing of it was committed, or that is unknown: read again from the committed offset),
        Retriable or Fatal.
        """
        ...

    def close(self) -> None:
        """Release the clients."""
        ...
