"""Dead letters: what is kept, what they say of themselves, what is sent again, and what is safe to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.dead_letters import (
    MAX_BYTES,
    MAX_HEADER_BYTES,
    MAX_KEY_BYTES,
    PREFIX,
    RETRY_COUNT,
    RETRY_OF,
    Letter,
    Origin,
    dead_letter,
    read_letter,
    sent_again,
    shown,
)
from thumper.errors import UserError
from thumper.record import Outgoing, Partition, Record

PLACE = Partition("images", 3)
BYTES = st.none() | st.binary()
HEADERS = st.lists(st.tuples(st.text(max_size=9).filter(lambda name: not name.startswith(PREFIX)), st.binary()))


def found(message: Outgoing, offset: int = 17) -> Letter:
    """The message as it is read from its topic."""
    return read_letter(Record(Partition(message.topic, 0), offset, message.value, message.key, message.headers, 1_000))


@given(st.none() | st.binary(), st.none() | st.binary(), HEADERS)
def test_what_is_sent_again_is_what_came(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    kept = [(name, content) for name, content in headers if name not in (RETRY_OF, RETRY_COUNT)]
    letter = found(dead_letter(Record(PLACE, 1_204, value, key, kept), "detector", "why", "UnreadableEvent"))
    message = sent_again(letter)
    assert (message.topic, message.key, message.value) == ("images", key, value)
    assert message.headers == [*kept, (RETRY_OF, b"images/3/1204"), (RETRY_COUNT, b"1")]


def test_a_letter_says_where_from_who_and_why_by_kafka_connects_names() -> None:
    message = dead_letter(Record(PLACE, 1_204, b"?", None, [("a", b"1")], 55), "detector", "no JSON", "UnreadableEvent")
    assert dict(message.headers) == {
        "a": b"1",
        f"{PREFIX}topic": b"images",
        f"{PREFIX}partition": b"3",
        f"{PREFIX}offset": b"1204",
        f"{PREFIX}timestamp": b"55",
        f"{PREFIX}connector.name": b"detector",
        f"{PREFIX}consumer.group": b"detector",
        f"{PREFIX}stage": b"VALUE_CONVERTER",
        f"{PREFIX}class.name": b"thumper.detector",
        f"{PREFIX}exception.class.name": b"UnreadableEvent",
        f"{PREFIX}exception.message": b"no JSON",
    }
    letter = found(message)
    assert letter.origin == Origin(PLACE, 1_204)
    assert (letter.group, letter.reason, letter.cut, letter.value_bytes) == ("detector", "no JSON", (), 1)


def test_one_that_fails_again_tells_how_often_it_was_sent() -> None:
    first = sent_again(found(dead_letter(Record(PLACE, 1, b"?"), "detector", "why", "UnreadableEvent")))
    came_again = Record(PLACE, 9, first.value, first.key, first.headers)
    second = sent_again(found(dead_letter(came_again, "detector", "why", "UnreadableEvent")))
    assert second.headers == [(RETRY_OF, b"images/3/9"), (RETRY_COUNT, b"2")]


@pytest.mark.parametrize(
    ("record", "what"),
    [
        pytest.param(Record(PLACE, 1, b"x" * (MAX_BYTES + 1)), "value", id="value"),
        pytest.param(Record(PLACE, 1, b"x", b"k" * (MAX_KEY_BYTES + 1)), "key", id="key"),
        pytest.param(Record(PLACE, 1, b"x", None, [("h", b"h" * MAX_HEADER_BYTES)]), "headers", id="headers"),
    ],
)
def test_what_is_too_large_is_cut_fits_a_message_and_is_not_sent_again(record: Record, what: str) -> None:
    message = dead_letter(record, "detector", "r" * 5_000, "UnreadableEvent")
    size = len(message.value or b"") + len(message.key or b"") + sum(len(n) + len(v or b"") for n, v in message.headers)
    assert size < 1 << 20
    letter = found(message)
    assert letter.cut == (what,)
    assert letter.value_bytes == len(record.value or b"")
    with pytest.raises(UserError, match=f"its {what} had to be cut"):
        sent_again(letter)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        pytest.param([], "does not say where it came from", id="none of ours"),
        pytest.param([("topic", b"images"), ("partition", b"-1"), ("offset", b"1")], "does not say", id="no number"),
        pytest.param([("topic", b"workers"), ("partition", b"0"), ("offset", b"1")], "'workers'", id="heartbeats"),
    ],
)
def test_letters_of_somebody_elses_are_not_sent(headers: list[tuple[str, bytes]], said: str) -> None:
    record = Record(Partition("dead-letters", 0), 3, b"?", None, [(PREFIX + name, value) for name, value in headers])
    with pytest.raises(UserError, match=said):
        sent_again(read_letter(record))


@given(st.binary(max_size=300))
def test_what_is_shown_prints_and_moves_no_cursor(data: bytes) -> None:
    assert shown(data).isprintable()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(None, "", id="null"),
        pytest.param(b'{"a":1}', '{"a":1}', id="JSON"),
        pytest.param(b"\x1b[2J\r\n", "\\x1b[2J\\r\\n", id="terminal codes"),
        pytest.param("\u202egpj".encode(), "\\u202egpj", id="right to left"),
        pytest.param(b"\xff\x00", "\\xff\\x00", id="no UTF-8"),
        pytest.param(b"x" * 70_000, "x" * 64_000 + "... (70000 bytes)", id="long"),
    ],
)
def test_bytes_as_safe_text(data: bytes | None, text: str) -> None:
    assert shown(data) == text
