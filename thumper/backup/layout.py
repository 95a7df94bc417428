"""How a partition is written so that every record gets the offset that it had. Pure.

Offsets without a record (markers of transactions, aborted records) cannot be written as such; but a transaction that
ends leaves a marker of one offset, and an aborted one leaves its records, which nobody sees, and a marker. So:

- one offset missing behind a record: that record is the last of a transaction, which is committed;
- n > 1 missing: n - 1 fillers in a transaction that is aborted;
- n missing before the first record: n fillers, which are deleted afterwards, so that the log starts there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from thumper.backup.segments import Entry

# Records in memory together, for each partition.
MOST = 500


@dataclass(slots=True)
class Span:
    """fillers: written before all else, and deleted later. plain: as they are. closing: in a transaction, committed.

    aborted: fillers in a transaction of their own that is aborted.
    """

    fillers: int = 0
    plain: list[Entry] = field(default_factory=list)
    closing: Entry | None = None
    aborted: int = 0


def spans(entries: Iterable[Entry], end: int) -> Iterator[Span]:
    """The steps that write `entries` and come out at `end`. Raises ValueError if offsets do not rise to below it."""
    span, next_offset, first = Span(), 0, True
    for entry in entries:
        missing = entry.offset - next_offset
        if missing < 0:
            raise ValueError(f"offset {entry.offset} comes after {next_offset - 1}")
        if first:
            span.fillers = missing
        elif missing:
            yield _closed(span, missing)
            span = Span()
        elif len(span.plain) >= MOST:
            # Its last record is held back: what follows decides whether it ends a transaction.
            held = span.plain.pop()
            yield span
            span = Span(plain=[held])
        span.plain.append(entry)
        next_offset, first = entry.offset + 1, False
    if next_offset > end:
        raise ValueError(f"offset {next_offset - 1} lies beyond the end, {end}")
    if first:
        span.fillers = end
        yield span
    else:
        yield _closed(span, end - next_offset)


def _closed(span: Span, missing: int) -> Span:
    if missing == 1:
        span.closing = span.plain.pop()
    elif missing > 1:
        span.aborted = missing - 1
    return span
