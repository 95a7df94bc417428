"""Micro-batches: closed by count, by bytes, or by the time since their first item. Pure: time is an argument."""

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """When a batch is closed: at `max_items`, at `max_bytes`, or `max_wait_s` after its first item came."""

    max_items: int
    max_wait_s: float
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.max_items < 1 or self.max_wait_s < 0 or (self.max_bytes is not None and self.max_bytes < 1):
            raise ValueError(f"a batch holds at least one item and does not wait in the past: {self}")


class MicroBatcher(Generic[T]):
    """Items that wait for company, in the order added.

    The wait counts from the oldest item present, so that no item waits longer than `max_wait_s` because others came.
    """

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self._items: list[tuple[T, int, float]] = []
        self._size_bytes = 0

    def __len__(self) -> int:
        """Items that wait."""
        return len(self._items)

    @property
    def size_bytes(self) -> int:
        """Bytes that wait."""
        return self._size_bytes

    def full(self) -> bool:
        """Whether there is a whole batch, by count or by bytes."""
        limit = self._policy.max_bytes
        return len(self._items) >= self._policy.max_items or (limit is not None and self._size_bytes >= limit)

    def add(self, item: T, size_bytes: int, now_s: float) -> None:
        """Put `item` last. Never refuses: whoever adds looks at wait_s first if it wants batches of the exact size."""
        self._items.append((item, size_bytes, now_s))
        self._size_bytes += size_bytes

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is a batch to take: inf if empty, 0 if full or due."""
        if not self._items:
            return math.inf
        if self.full():
            return 0.0
        return max(0.0, self._items[0][2] + self._policy.max_wait_s - now_s)

    def take(self) -> list[T]:
        """The oldest items, at most `max_items` and (unless a single one is larger) `max_bytes`; [] if empty."""
        taken = 0
        size_bytes = 0
        for _, item_bytes, _ in self._items[: self._policy.max_items]:
            if taken and self._policy.max_bytes is not None and size_bytes + item_bytes > self._policy.max_bytes:
                break
            taken += 1
            size_bytes += item_bytes
        batch = [item for item, _, _ in self._items[:taken]]
        del self._items[:taken]
        self._size_bytes -= size_bytes
        return batch

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()
        self._size_bytes = 0
