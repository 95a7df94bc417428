"""Why an event may have left nothing behind: nobody can read it, or its reader refused it into the dead letters."""

from collections.abc import Iterable, Sequence
from itertools import islice

from thumper.audit.log import Letters, LogReader
from thumper.record import Partition

AT_ONCE = 5_000


class Excuses:
    """Asks the dead letters first, then the event itself: dead letters are kept for 90 days only."""

    def __init__(self, letters: Letters, reader: LogReader) -> None:
        self._letters = letters
        self._reader = reader

    def without(
        self, group: str, partition: Partition, offsets: Iterable[int], models: frozenset[str] | None = None
    ) -> Iterable[int]:
        """Those of `offsets` (rising) for which there is none. models: what the group answers by; see LogReader."""
        left = (offset for offset in offsets if not self._letters.has(group, partition, offset))
        while some := list(islice(left, AT_ONCE)):
            yield from self._unexcused(partition, some, models)

    def _unexcused(self, partition: Partition, offsets: Sequence[int], models: frozenset[str] | None) -> Iterable[int]:
        unanswerable = self._reader.unanswerable(partition, offsets, models)
        return (offset for offset in offsets if offset not in unanswerable)
