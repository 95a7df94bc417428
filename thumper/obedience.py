"""A source that does what is wanted of its group: leaves it when it is to pause, and joins again when it is to run."""

from collections.abc import Iterable

import structlog

from thumper.record import Partition, Record
from thumper.source import Listener, Source
from thumper.wishes import Wanted, Wishes

log = structlog.get_logger("thumper.obedience")


class ObedientSource:
    """See Source; all else is as in the source within.

    Leaving is a rebalance like any other to the loop: it finishes what it can, commits that, and gives its partitions
    back. What was fetched before that is still handed out, for it was delivered to this member.
    """

    def __init__(self, source: Source, wishes: Wishes) -> None:
        self._source = source
        self._wishes = wishes
        self._wanted: Wanted = "running"
        self._is_member = False
        self._is_new = True

    def open(self, listener: Listener) -> None:
        """See Source. Joins in the first `take` that knows that this is wanted."""
        self._listener = listener

    def take(self, most: int, wait_s: float) -> list[Record]:
        """See Source."""
        self._wanted = self._wishes.wanted()
        self._obey(self._wanted != "paused")
        return self._source.take(most, wait_s)

    def _obey(self, shall_be_member: bool) -> None:
        if shall_be_member and not self._is_member:
            if not self._is_new:
                log.info("joins the group again", wanted=self._wanted)
            self._source.open(self._listener)
        elif self._is_member and not shall_be_member:
            log.info("leaves the group: it is wanted paused")
            self._source.leave()
        elif self._is_new:
            log.info("does not join the group: it is wanted paused")
        self._is_member, self._is_new = shall_be_member, False

    def wanted(self) -> Wanted:
        """See Source. As the last `take` found it."""
        return self._wanted

    def leave(self) -> None:
        """See Source."""
        self._source.leave()

    def positions(self) -> dict[Partition, int]:
        """See Source."""
        return self._source.positions()

    def behind(self) -> dict[Partition, int]:
        """See Source."""
        return self._source.behind()

    def rewind(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """See Source."""
        return self._source.rewind(partitions)

    def hold(self, partitions: Iterable[Partition]) -> None:
        """See Source."""
        self._source.hold(partitions)

    def release(self, partitions: Iterable[Partition]) -> None:
        """See Source."""
        self._source.release(partitions)

    def joined(self) -> bool:
        """See Source."""
        return self._source.joined()

    def close(self) -> None:
        """See Source."""
        self._wishes.close()
        self._source.close()
