"""What moves through the loop: a record taken, a message to send, work that is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.codec import Headers


class Partition(NamedTuple):
    """A partition of a topic, by the topic's own name (without the prefix that a cluster may want)."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
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
        found = [value for key, value in self.headers if key == name]
        return found[-1].decode("utf-8", "replace") if found and found[-1] is not None else None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Done:
    """Finished work, in the order taken, ready to be committed."""

    records: Sequence[Record]
    outputs: Sequence[Outgoing] = ()
