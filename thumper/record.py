"""What moves through the loop: a record taken, a message to send, work that is done.

What there is one of for each event is a NamedTuple: it is made in a third of the time of a frozen dataclass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Partition(NamedTuple):
    """A partition of a topic, by the topic's own name (without the prefix that a cluster may want)."""

    topic: str
    number: int


class Record(NamedTuple):
    """One record as it came. timestamp_ms: the broker's. epoch: the assignment that it was taken under."""

    partition: Partition
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp_ms: int = 0
    epoch: int = 0

    def header(self, name: str) -> str | None:
        """The last header of that name as text, or None."""
        for key, value in reversed(self.headers):
            if key == name:
                return None if value is None else value.decode("utf-8", "replace")
        return None

    def under(self, epoch: int) -> "Record":
        """The same record, taken under `epoch`."""
        return Record(self.partition, self.offset, self.value, self.key, self.headers, self.timestamp_ms, epoch)


class Outgoing(NamedTuple):
    """One message to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """Finished work, in the order taken, ready to be committed."""

    records: Sequence[Record]
    outputs: Sequence[Outgoing] = ()
