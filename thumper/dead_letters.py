"""Messages that could not be read: their bytes as they came, with headers that say where from and why.

Header names: Kafka Connect's (KIP-298), so that Kafka UIs understand them. Those that Connect does not have:
`consumer.group`, `timestamp` (the broker's, of the message, in ms), and what had to be cut off.
"""

from typing import NamedTuple

from thumper.errors import UserError
from thumper.record import Outgoing, Partition, Record
from thumper.topics import RECORDED

TOPIC = "dead-letters"
PREFIX = "__connect.errors."
UNREADABLE = "UnreadableEvent"
# What a message that is sent again carries, so that one can see it, also if it becomes a dead letter once more.
RETRY_OF, RETRY_COUNT = "thumper.retry.of", "thumper.retry.count"
# Below the topic's max.message.bytes: a longer value is kept up to here, and its full length is named in a header.
MAX_BYTES = 900_000
MAX_REASON = 1_000
# Headers and key have no limit of their own; the broker's on the whole message leaves this much beside the value.
MAX_HEADER_BYTES = 100_000
MAX_KEY_BYTES = 20_000
# What else is longer is shown up to here.
MOST_SHOWN = 64_000


def dead_letter(record: Record, group: str, reason: str, error_class: str) -> Outgoing:
    """`record` as a message for the topic of dead letters: key, value and headers untouched, ours added."""
    key, value = record.key, record.value
    ours = {
        "topic": record.partition.topic,
        "partition": str(record.partition.number),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp_ms),
        "connector.name": group,
        "consumer.group": group,
        "stage": "VALUE_CONVERTER" if error_class == UNREADABLE else "TASK_PUT",
        "class.name": f"thumper.{group}",
        "exception.class.name": error_class,
        "exception.message": reason[:MAX_REASON],
    }
    if value is not None and len(value) > MAX_BYTES:
        ours["value.bytes"] = str(len(value))
        value = value[:MAX_BYTES]
    if key is not None and len(key) > MAX_KEY_BYTES:
        ours["key.bytes"] = str(len(key))
        key = key[:MAX_KEY_BYTES]
    kept = _foreign(record)
    if sum(len(name) + len(content or b"") for name, content in kept) > MAX_HEADER_BYTES:
        ours["headers.dropped"] = str(len(kept))
        kept = []
    added = [(PREFIX + name, text.encode("utf-8", "replace")) for name, text in ours.items()]
    return Outgoing(TOPIC, key, value, kept + added)


class Origin(NamedTuple):
    """Where a dead letter stood when it was refused."""

    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition.topic}/{self.partition.number}/{self.offset}"


class Letter(NamedTuple):
    """A dead letter as it is found in its topic. record: with all of its headers. origin None: it does not say.

    value_bytes: of the value as it came. cut: which of value, key and headers had to be cut off to be kept.
    """

    record: Record
    origin: Origin | None
    group: str
    error_class: str
    reason: str
    stage: str
    cut: tuple[str, ...]
    value_bytes: int

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Those that it came with."""
        return _foreign(self.record)


def read_letter(record: Record) -> Letter:
    """A record of the topic as a letter, whoever wrote it."""
    said = {name: record.header(PREFIX + name) or "" for name in _SAID}
    return Letter(
        record,
        _origin(said["topic"], said["partition"], said["offset"]),
        said["consumer.group"] or said["connector.name"],
        said["exception.class.name"],
        said["exception.message"],
        said["stage"],
        tuple(what for what, name in _CUT if record.header(PREFIX + name) is not None),
        _number(record.header(PREFIX + "value.bytes")) or len(record.value or b""),
    )


def sent_again(letter: Letter) -> Outgoing:
    """The message that `letter` was, for the topic that it came from. Raises UserError if it cannot be had."""
    if letter.origin is None:
        raise UserError(f"dead letter {letter.record.offset} does not say where it came from", "it is not one of ours")
    topic = letter.origin.partition.topic
    if topic not in RECORDED:
        raise UserError(f"dead letter {letter.record.offset} came from {topic!r}, which takes nothing from people")
    if letter.cut:
        raise UserError(
            f"dead letter {letter.record.offset} is not whole: its {' and '.join(letter.cut)} had to be cut",
            f"look for it in {topic} {letter.origin.partition.number} at offset {letter.origin.offset}",
        )
    count = (_number(letter.record.header(RETRY_COUNT)) or 0) + 1
    kept = [(name, content) for name, content in letter.headers if name not in (RETRY_OF, RETRY_COUNT)]
    ours = [(RETRY_OF, str(letter.origin).encode()), (RETRY_COUNT, str(count).encode())]
    return Outgoing(topic, letter.record.key, letter.record.value, kept + ours)


def shown(data: bytes | None, most: int = MOST_SHOWN) -> str:
    """`data` as text that is safe on a terminal: what does not print, and what is no UTF-8, as escapes."""
    if data is None:
        return ""
    text = data[:most].decode("utf-8", "backslashreplace")
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return safe if len(data) <= most else f"{safe}... ({len(data)} bytes)"


_SAID = (
    "topic",
    "partition",
    "offset",
    "consumer.group",
    "connector.name",
    "exception.class.name",
    "exception.message",
    "stage",
)
_CUT = (("value", "value.bytes"), ("key", "key.bytes"), ("headers", "headers.dropped"))


def _foreign(record: Record) -> list[tuple[str, bytes]]:
    return [(name, content) for name, content in record.headers if not name.startswith(PREFIX)]


def _origin(topic: str, partition: str, offset: str) -> Origin | None:
    number, at = _number(partition), _number(offset)
    return None if not topic or number is None or at is None else Origin(Partition(topic, number), at)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
