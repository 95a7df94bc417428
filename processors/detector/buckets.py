"""Frames that wait for company of their own shape: one micro-batcher for each shape. Pure: time is an argument."""

import math
from typing import Generic, TypeVar

from thumper.batch import BatchPolicy, MicroBatcher

T = TypeVar("T")
Shape = tuple[int, int]


class Buckets(Generic[T]):
    """Batches of one shape each, the one whose first item waits longest first."""

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        # In the order in which their oldest items came: a bucket that is emptied, and used again, moves to the end.
        self._waiting: dict[Shape, MicroBatcher[T]] = {}

    def __len__(self) -> int:
        """Items that wait."""
        return sum(len(batcher) for batcher in self._waiting.values())

    def add(self, shape: Shape, item: T, now_s: float) -> bool:
        """Put `item` with those of its shape. True if its bucket has become worth a look: its first item, or full."""
        batcher = self._waiting.get(shape)
        if batcher is None:
            batcher = self._waiting[shape] = MicroBatcher(self._policy)
        batcher.add(item, shape[0] * shape[1] * 3, now_s)
        return len(batcher) == 1 or batcher.wait_s(now_s) == 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until a batch is due; inf if nothing waits."""
        return min((batcher.wait_s(now_s) for batcher in self._waiting.values()), default=math.inf)

    def take(self, now_s: float) -> list[T]:
        """The due batch that waits longest, or the oldest if none is due; [] if nothing waits."""
        due = (shape for shape, batcher in self._waiting.items() if batcher.wait_s(now_s) == 0.0)
        shape = next(due, next(iter(self._waiting), None))
        if shape is None:
            return []
        batcher = self._waiting.pop(shape)
        batch = batcher.take()
        if len(batcher):
            self._waiting[shape] = batcher
        return batch

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
