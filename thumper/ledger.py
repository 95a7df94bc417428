"""What may be committed: the promise "nothing lost, lag reaches 0" lives here. Pure."""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from thumper.record import Partition, Record


class _Open:
    """Unfinished offsets of one partition: a heap, with finished ones removed lazily."""

    __slots__ = ("epoch", "finished", "heap")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.heap: list[int] = []
        self.finished: set[int] = set()

    def lowest(self) -> int | None:
        while self.heap and self.heap[0] in self.finished:
            self.finished.remove(heappop(self.heap))
        return self.heap[0] if self.heap else None


class OffsetLedger:
    """Which records are in hand, per partition.

    The offset that may be committed is that of the oldest record not yet finished; only when nothing is in hand it is
    the consumer's position, which passes transaction markers. Each assignment of a partition (and each rewind) begins
    a new epoch; records of earlier ones do not count.
    """

    def __init__(self) -> None:
        self._open: dict[Partition, _Open] = {}
        self._epochs: dict[Partition, int] = {}

    def assign(self, partitions: Sequence[Partition]) -> None:
        """A new epoch begins for `partitions`, with nothing in hand."""
        for partition in partitions:
            self._epochs[partition] = self._epochs.get(partition, 0) + 1
            self._open[partition] = _Open(self._epochs[partition])

    def revoke(self, partitions: Sequence[Partition]) -> None:
        """`partitions` are not ours any more."""
        for partition in partitions:
            self._open.pop(partition, None)

    def epoch(self, partition: Partition) -> int | None:
        """The partition's epoch; None if it is not ours."""
        held = self._open.get(partition)
        return held.epoch if held else None

    def owns(self, record: Record) -> bool:
        """Whether `record` was taken under the present epoch of its partition."""
        return self.epoch(record.partition) == record.epoch

    def taken(self, record: Record) -> None:
        """`record` is in hand now."""
        heappush(self._open[record.partition].heap, record.offset)

    def finished(self, records: Sequence[Record]) -> int:
        """`records` need nothing any more; those of earlier epochs are passed over. How many were not."""
        count = 0
        for record in records:
            held = self._open.get(record.partition)
            if held is not None and held.epoch == record.epoch:
                held.finished.add(record.offset)
                count += 1
        return count

    def in_hand(self) -> int:
        """How many records are taken and not finished."""
        return sum(len(held.heap) - len(held.finished) for held in self._open.values())

    def committable(self, position: Mapping[Partition, int]) -> dict[Partition, int]:
        """Per owned partition of `position` (the consumer's positions): the offset that may be committed."""
        offsets = {}
        for partition, next_offset in position.items():
            if partition in self._open:
                lowest = self._open[partition].lowest()
                offsets[partition] = next_offset if lowest is None else lowest
        return offsets

    def partitions(self) -> list[Partition]:
        """The partitions that are ours."""
        return list(self._open)
