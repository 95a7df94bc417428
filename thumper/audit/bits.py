"""One bit per offset: which events of a partition were seen. Ten million offsets take 1.25 MB. Pure."""

import re
from collections.abc import Iterator

_SOME_SET = re.compile(rb"[^\x00]")
_SOME_UNSET = re.compile(rb"[^\xff]")


class Bits:
    """A set of offsets in [0, size)."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes = bytearray((size + 7) // 8)

    def add(self, offset: int) -> bool:
        """Put `offset` in; whether it was not there yet. Raises IndexError beyond the size."""
        at, bit = offset >> 3, 1 << (offset & 7)
        if self._bytes[at] & bit:
            return False
        self._bytes[at] |= bit
        return True

    def __contains__(self, offset: int) -> bool:
        return 0 <= offset < self.size and bool(self._bytes[offset >> 3] & (1 << (offset & 7)))

    def first(self) -> int:
        """The lowest offset in it; its size if it is empty."""
        return self._next(_SOME_SET, 0x00, 0)

    def missing(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """The offsets of [start, stop) that are not in it, as ranges [low, high), rising."""
        stop = min(stop, self.size)
        low = self._next(_SOME_UNSET, 0xFF, start)
        while low < stop:
            high = min(self._next(_SOME_SET, 0x00, low), stop)
            yield low, high
            low = self._next(_SOME_UNSET, 0xFF, high)

    def _next(self, wanted: "re.Pattern[bytes]", flip: int, at: int) -> int:
        """The lowest offset from `at` on whose bit is set after its byte is xor-ed with `flip`."""
        if at >= self.size:
            return self.size
        rest = (self._bytes[at >> 3] ^ flip) >> (at & 7)
        if not rest:
            found = wanted.search(self._bytes, (at >> 3) + 1)
            if found is None:
                return self.size
            at, rest = found.start() << 3, self._bytes[found.start()] ^ flip
        return min(at + (rest & -rest).bit_length() - 1, self.size)
