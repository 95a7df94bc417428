"""What the topic `control` says of replays: read as a whole, for it is small."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.control import Control, GroupReplayed
from thumper.clock import Clock
from thumper.control_log import ControlLog
from thumper.lag import PartitionLag
from thumper.record import Partition
from thumper.replay.plan import Move
from thumper.settings import Settings


@dataclass(frozen=True, slots=True)
class Book:
    """Of one group. replays: each as it was said last, the oldest first."""

    replays: tuple[GroupReplayed, ...]


def book_of(events: Iterable[Control], group: str) -> Book:
    """Pure. events: in the order of the log."""
    replays: dict[str, GroupReplayed] = {}
    for event in events:
        if isinstance(event, GroupReplayed) and event.group == group:
            replays[event.replay_id] = event
    return Book(tuple(sorted(replays.values(), key=lambda replay: replay.begun_at)))


def read_book(settings: Settings, clock: Clock, group: str) -> Book:
    """Raises KafkaDown. What cannot be read is left out."""
    log = ControlLog(settings, clock)
    try:
        return book_of((event for _, event in log.new()), group)
    finally:
        log.close()


def moves_of(replay: GroupReplayed) -> list[Move]:
    """What it moved."""
    return [Move(Partition(replay.topic, one.partition), one.before, one.to) for one in replay.moves]


def left(replay: GroupReplayed, stands: Sequence[PartitionLag]) -> int:
    """How many offsets the group is behind of where it had been; 0 when it has come there, or was undone. Pure.

    Also of one that was begun only: its command may have been killed after the offsets were set.
    """
    if replay.state in {"undone", "refused"}:
        return 0
    at = {stand.partition: stand.position for stand in stands}
    return sum(max(0, move.before - at.get(move.partition, move.before)) for move in moves_of(replay))


def with_left(book: Book, stands: Sequence[PartitionLag]) -> list[tuple[GroupReplayed, int]]:
    """All, the newest first, and what is left of each. Pure.

    None is begun before the one before it is done or undone, so that only of the newest something can be left.
    """
    return [(replay, 0 if n else left(replay, stands)) for n, replay in enumerate(reversed(book.replays))]


def under_way(book: Book, stands: Sequence[PartitionLag]) -> GroupReplayed | None:
    """The replay that the group has not caught up with. Pure."""
    return next((replay for replay, behind in with_left(book, stands) if behind), None)


def undone_spans(replays: Iterable[GroupReplayed]) -> dict[tuple[str, str, int], list[tuple[int, int]]]:
    """By group, topic and partition: the offsets [to, before) of replays that were broken off by undoing them. Pure."""
    found: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    for replay in replays:
        for move in replay.moves if replay.state == "undone" else ():
            found.setdefault((replay.group, replay.topic, move.partition), []).append((move.to, move.before))
    return found
