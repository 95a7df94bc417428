"""How large a batch the device has room for, learned from its refusals. Pure."""

# After so many batches at the limit, a larger one is tried: memory may have been somebody else's for a while.
BATCHES_BEFORE_GROWTH = 200


class BatchFit:
    """Halves on refusal, doubles after a long while without one; never beyond `most`, never below 1."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = most
        self._good = 0

    @property
    def limit(self) -> int:
        """The largest batch to try."""
        return self._limit

    def refused(self, size: int) -> None:
        """A batch of `size` found no room."""
        self._limit = max(1, min(self._limit, size // 2))
        self._good = 0

    def accepted(self, size: int) -> None:
        """A batch of `size` was done."""
        if self._limit == self._most or size < self._limit:
            return
        self._good += 1
        if self._good >= BATCHES_BEFORE_GROWTH:
            self._limit = min(self._most, self._limit * 2)
            self._good = 0

    def split(self, numbers: list[int]) -> list[list[int]]:
        """`numbers` in order, in parts of at most the limit."""
        return [numbers[start : start + self._limit] for start in range(0, len(numbers), self._limit)]
