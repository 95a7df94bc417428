"""What a replay moves: from what is wished and where a group stands, to offsets. Pure.

A replay only ever moves a group back. What would move it forward is a skip, and is refused or left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from thumper.errors import UserError
from thumper.lag import PartitionLag
from thumper.record import Partition

Kind = Literal["earliest", "time", "shift", "offset"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to go back to.

    at: a time of import, that is, of the broker. back: so many offsets in each partition. offset: exactly there.
    partitions: only these; empty: all. clip: what lies before the log's start means its start.
    """

    kind: Kind
    at: datetime | None = None
    back: int = 0
    offset: int = 0
    partitions: tuple[int, ...] = ()
    clip: bool = False

    def __str__(self) -> str:
        """In words."""
        where = {
            "earliest": "to the earliest event",
            "time": f"to what was imported at or after {'' if self.at is None else spoken(self.at)}",
            "shift": f"by {self.back:,} offsets in each partition",
            "offset": f"to offset {self.offset:,}",
        }[self.kind]
        return where + (f" of partition {', '.join(map(str, self.partitions))}" if self.partitions else "")


class Move(NamedTuple):
    """One partition: where the group stands, and where it goes."""

    partition: Partition
    before: int
    to: int


def read_wish(
    *,
    earliest: bool = False,
    at: str | None = None,
    shift_by: int | None = None,
    offset: int | None = None,
    partitions: Sequence[int] = (),
    clip: bool = False,
) -> Wish:
    """The wish as the command and the API take it; shift_by: negative, as Kafka's own tool has it. Raises UserError."""
    if sum([earliest, at is not None, shift_by is not None, offset is not None]) != 1:
        raise UserError(
            "back to where? exactly one must be said", "the earliest, a time of import, a shift, or an offset"
        )
    chosen = tuple(sorted(set(partitions)))
    if at is not None:
        return Wish("time", at=read_time(at), partitions=chosen, clip=clip)
    if shift_by is not None:
        if shift_by >= 0:
            raise UserError(f"a shift by {shift_by} does not go back", "like -1000: a replay never skips anything")
        return Wish("shift", back=-shift_by, partitions=chosen, clip=clip)
    if offset is not None:
        if not chosen:
            raise UserError("an offset means something in one partition only", "name it: --partition")
        return Wish("offset", offset=offset, partitions=chosen, clip=clip)
    return Wish("earliest", partitions=chosen, clip=clip)


def read_time(given: str) -> datetime:
    """ISO 8601; a day is its first moment; UTC if it does not say. Raises UserError."""
    try:
        found = datetime.fromisoformat(given.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UserError(
            f"{given[:50]!r} is no time", "like 2026-11-01, 2026-11-01T06:30:00 (UTC) or 2026-11-01T06:30:00-06:00"
        ) from None


def spoken(at: datetime) -> str:
    """A time for people."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plan(wish: Wish, stands: Sequence[PartitionLag], at_time: Mapping[Partition, int], now: datetime) -> list[Move]:
    """The partitions that go back, and where to; those that stand there already, or behind it, are left out.

    at_time: for a wish of that kind, each partition's first offset at or after it (its end, if there is none).
    Raises UserError if it cannot be done as wished; then nothing of it can.
    """
    chosen = _chosen(wish, stands)
    if wish.kind == "time" and wish.at is not None and wish.at > now:
        raise UserError(f"{spoken(wish.at)} is still to come", f"it is {spoken(now)}; a time of import is meant")
    wanted = [(stand, _wanted(wish, stand, at_time)) for stand in chosen]
    return [Move(stand.partition, stand.position, to) for stand, to in wanted if to < stand.position]


def undo(moves: Sequence[Move], stands: Sequence[PartitionLag]) -> list[Move]:
    """Forward to where the group had been before `moves`, where it is not there yet. Raises UserError."""
    by_partition = {stand.partition: stand for stand in stands}
    found = []
    for move in moves:
        stand = by_partition.get(move.partition)
        if stand is None or stand.end < move.before:
            raise UserError(f"{_name(move.partition)} does not reach offset {move.before}: this is another log")
        if stand.position < move.before:
            found.append(Move(move.partition, stand.position, move.before))
    return found


def events(moves: Sequence[Move]) -> int:
    """How many offsets lie between."""
    return sum(abs(move.before - move.to) for move in moves)


def _chosen(wish: Wish, stands: Sequence[PartitionLag]) -> list[PartitionLag]:
    known = {stand.partition.number for stand in stands}
    if unknown := set(wish.partitions) - known:
        raise UserError(
            f"there is no partition {', '.join(map(str, sorted(unknown)))}", f"there are 0 to {max(known, default=0)}"
        )
    chosen = [stand for stand in stands if not wish.partitions or stand.partition.number in wish.partitions]
    for stand in chosen:
        if not stand.start <= stand.position <= stand.end:
            raise UserError(
                f"the group stands at {stand.position} of {_name(stand.partition)}, outside of the log "
                f"({stand.start} to {stand.end})",
                "events are lost there: `thumper accept-loss` first",
            )
    return chosen


def _wanted(wish: Wish, stand: PartitionLag, at_time: Mapping[Partition, int]) -> int:
    if wish.kind == "earliest":
        return stand.start
    if wish.kind == "time":
        return max(stand.start, at_time[stand.partition])
    to = stand.position - wish.back if wish.kind == "shift" else wish.offset
    if to < stand.start and not wish.clip:
        raise UserError(
            f"{_name(stand.partition)} begins at offset {stand.start}, so the group cannot go back to {to}",
            "less, or --clip to begin at the log's start where it is nearer",
        )
    if wish.kind == "offset" and to > stand.position:
        end = f", and its log ends at {stand.end}" if to > stand.end else ""
        raise UserError(
            f"the group stands at {stand.position} of {_name(stand.partition)}, before {to}{end}",
            "a replay never skips anything",
        )
    return max(to, stand.start)


def _name(partition: Partition) -> str:
    return f"{partition.topic} {partition.number}"
