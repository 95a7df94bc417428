"""Messages that could not be read: their bytes as they came, with headers that say where from and why.

Header names: Kafka Connect's (KIP-298), so that Kafka UIs understand them.
"""

from thumper.record import Outgoing, Record

TOPIC = "dead-letters"
PREFIX = "__connect.errors."
# Below the topic's max.message.bytes: a longer value is kept up to here, and its full length is named in a header.
MAX_BYTES = 900_000
MAX_REASON = 1_000
# Headers have no limit of their own; the broker's on the whole message leaves this much beside the value.
MAX_HEADER_BYTES = 100_000


def dead_letter(record: Record, group: str, reason: str, error_class: str) -> Outgoing:
    """`record` as a message for the topic of dead letters: key, value and headers untouched, ours added."""
    value = record.value
    ours = {
        "topic": record.partition.topic,
        "partition": str(record.partition.number),
        "offset": str(record.offset),
        "consumer.group": group,
        "class.name": "thumper",
        "exception.class.name": error_class,
        "exception.message": reason[:MAX_REASON],
    }
    if value is not None and len(value) > MAX_BYTES:
        ours["value.bytes"] = str(len(value))
        value = value[:MAX_BYTES]
    kept = [(name, content) for name, content in record.headers if not name.startswith(PREFIX)]
    if sum(len(name) + len(content or b"") for name, content in kept) > MAX_HEADER_BYTES:
        ours["headers.dropped"] = str(len(kept))
        kept = []
    added = [(PREFIX + name, text.encode("utf-8", "replace")) for name, text in ours.items()]
    return Outgoing(TOPIC, record.key, value, kept + added)
