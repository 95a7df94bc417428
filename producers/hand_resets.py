"""Requests for pictures that somebody has reset by hand: what the predecessor's shell loop did, by the one function.

A picture is asked for at most three times, however often it is reset: what fails again and again is not helped by a
loop. The count is in the log itself, so that it outlives every process.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from producers.requests import Desk, Queued, Selection, queue
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from thumper.audit.log import Item
from thumper.database import translated
from thumper.record import Partition

BY = "monitor"
AT_MOST = 3
# One transaction of the sink; what is left is asked for five seconds later.
AT_ONCE = 1_000
_ANY = text("SELECT EXISTS (SELECT FROM image WHERE hand_reset_at IS NOT NULL)")
NOTHING = Queued((), 0)


class Requests(Protocol):
    """Reads `requests` from the log."""

    def ends(self) -> dict[Partition, int]:
        """The end of each partition. Raises KafkaDown."""
        ...

    def read(self, partition: Partition, start: int, end: int) -> Iterator[Item]:
        """The records at offsets [start, end). Raises KafkaDown."""
        ...


class HandResets:
    """For one thread. Reads the log only once there is something to ask for, and then only what is new."""

    def __init__(self, desk: Desk, requests: Requests) -> None:
        self._desk = desk
        self._requests = requests
        self._read_to: dict[Partition, int] = {}
        self._asked: Counter[UUID] = Counter()

    def ask(self) -> Queued:
        """Ask for what was reset and is not asked for yet. Raises NotRecorded, Busy, KafkaDown or DatabaseDown."""
        if not _any_reset(self._desk.engine):
            return NOTHING
        self._count()
        enough = frozenset(image for image, times in self._asked.items() if times >= AT_MOST)
        selection = Selection(hand_reset=True, limit=AT_ONCE, but_not=enough)
        return queue(selection, self._desk, requested_by=BY)

    def _count(self) -> None:
        for partition, end in self._requests.ends().items():
            for item in self._requests.read(partition, self._read_to.get(partition, 0), end):
                self._note(item.value)
            self._read_to[partition] = end

    def _note(self, value: bytes | None) -> None:
        # Most are asked for by people: they are not worth parsing.
        if value is None or BY.encode() not in value:
            return
        try:
            request = decode("requests", value)
        except (UnreadableEvent, UnknownMajorVersion):
            return
        if request.requested_by == BY:
            self._asked[request.image] += 1


def _any_reset(engine: Engine) -> bool:
    try:
        with translated(), engine.connect() as connection:
            return bool(connection.execute(_ANY).scalar())
    except ProgrammingError:
        return False  # No tables yet, so nobody has reset a row.
