"""Two streams in one order, compared without holding either: rows are looked up in rising order of places. Pure."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

R = TypeVar("R")
# Partition and offset.
Place: TypeAlias = tuple[int, int]


class Ordered(Generic[R]):
    """Rows, each with its place, rising. passed: is called with every row that was not asked for."""

    def __init__(self, rows: Iterable[tuple[Place, R]], passed: Callable[[Place, R], None]) -> None:
        self._rows = iter(rows)
        self._passed = passed
        self._head = next(self._rows, None)
        self.count = 0

    def at(self, place: Place) -> R | None:
        """The row at `place`, if there is one; places must be asked for in rising order."""
        head = self._head
        while head is not None and head[0] < place:
            self._passed(*head)
            head = self._step()
        if head is None or head[0] != place:
            return None
        self._step()
        return head[1]

    def rest(self) -> None:
        """Nobody asks any more."""
        while self._head is not None:
            self._passed(*self._head)
            self._step()

    def _step(self) -> tuple[Place, R] | None:
        self.count += 1
        self._head = next(self._rows, None)
        return self._head
