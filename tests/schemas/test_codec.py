"""Reading and writing events: what is understood, what is refused, and how it is said."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import (
    MAX_VALUE_BYTES,
    SHAPES,
    EventTooLarge,
    UnknownMajorVersion,
    UnreadableEvent,
    decode,
    encode,
    headers,
    traceparent,
)
from schemas.fact import CorrectionMade
from schemas.image import ImageImported, image_id

SHA = "a" * 64
SHORT = {"sha256": SHA, "uri": "file:///cards/one.jpg"}


def raw(**fields: object) -> bytes:
    return json.dumps({**SHORT, **fields}).encode()


def test_the_value_alone_is_enough() -> None:
    event = decode("images", raw())
    assert event.key() == str(image_id(SHA))
    assert event.version == "1.0"


def test_a_newer_minor_is_read_and_its_new_fields_are_ignored() -> None:
    assert decode("images", raw(version="1.7", mood="grumpy")).version == "1.7"


@pytest.mark.parametrize(
    "value",
    [raw(version="2.0"), b'{"version": "3.1", "all": "different"}'],
    ids=["readable otherwise", "all different"],
)
def test_a_newer_major_is_not_guessed_at(value: bytes) -> None:
    with pytest.raises(UnknownMajorVersion, match=r"reads 1\.x"):
        decode("images", value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(None, "null", id="null value"),
        pytest.param(b"", "EOF", id="empty"),
        pytest.param(b"not json", "JSON", id="text"),
        pytest.param(b"[1]", "object", id="a list"),
        pytest.param(b'{"uri": "file:///x"}', "sha256: Field required", id="missing field"),
        pytest.param(raw(sha256="A" * 64), "sha256", id="upper-case hash"),
        pytest.param(raw(sha256="a" * 63), "sha256", id="short hash"),
        pytest.param(raw(size_bytes="12"), "size_bytes", id="number as text"),
        pytest.param(raw(size_bytes=-1), "size_bytes", id="negative size"),
        pytest.param(raw(size_bytes=2**63), "size_bytes", id="beyond 64 bits"),
        pytest.param(raw(filename="a\x00b"), "filename", id="NUL in text"),
        pytest.param(raw(uri="file:///a\nb"), "uri", id="newline in an address"),
        pytest.param(raw(image_id="95661c32-f4a0-5050-ac46-32b5aef3c43f".replace("9", "8")), "image_id", id="wrong id"),
        pytest.param(raw(captured_at="2024-01-01T00:00:00Z"), "local time", id="captured_at with offset"),
        pytest.param(raw(position={"latitude": float("nan"), "longitude": 0.0}), "latitude", id="NaN"),
        pytest.param(raw(position={"latitude": 91, "longitude": 0.0}), "latitude", id="beyond the pole"),
        pytest.param(b"[" * 10_000, "JSON", id="deep nesting"),
        pytest.param(b'{"sha256": "\xff"}', "JSON", id="not UTF-8"),
        pytest.param(b'{"sha256": "\\ud800"}', "JSON", id="lone surrogate"),
        pytest.param(b'{"sha256": "' + b"a" * MAX_VALUE_BYTES + b'"}', "bytes", id="gigantic"),
    ],
)
def test_what_can_never_be_read_is_refused_with_its_reason(value: bytes | None, said: str) -> None:
    with pytest.raises(UnreadableEvent, match=re.escape(said)):
        decode("images", value)


@given(st.sampled_from(sorted(SHAPES)), st.binary(max_size=200))
def test_no_bytes_whatsoever_raise_anything_else(topic: str, value: bytes) -> None:
    with pytest.raises((UnreadableEvent, UnknownMajorVersion)):
        decode(topic, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(SHAPES)), st.dictionaries(st.sampled_from(["type", "version", "id", "sha256"]), JSON))
def test_no_json_whatsoever_raises_anything_else(topic: str, value: dict[str, object]) -> None:
    with pytest.raises((UnreadableEvent, UnknownMajorVersion)):
        decode(topic, json.dumps(value).encode())


def test_too_large_is_said_before_anything_is_sent() -> None:
    wide = {f"{number:03}" + "k" * 197: "v" * 200 for number in range(64)}
    assert encode(ImageImported(sha256=SHA, uri="file:///x", exif=wide))
    event = ImageImported.model_construct(sha256=SHA, uri="file:///x", exif={"x": "y" * MAX_VALUE_BYTES})
    with pytest.raises(EventTooLarge, match="limit"):
        encode(event)


def test_headers_are_cloudevents_in_binary_mode() -> None:
    event = ImageImported(**SHORT, id="image:1", source="thumper/import")
    found = dict(headers(event))
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_type"] == b"thumper.image.imported.v1"
    assert found["ce_id"] == b"image:1"
    assert found["content-type"] == b"application/json"


def test_a_trace_is_continued_and_a_repeat_has_the_same() -> None:
    event = ImageImported(**SHORT, id="image:1")
    outcome = CorrectionMade(type="correction.made", image_id=image_id(SHA), id="c:1")
    begun = traceparent(event)
    assert begun == traceparent(event)
    continued = traceparent(outcome, begun)
    assert continued[3:35] == begun[3:35]
    assert continued[36:52] != begun[36:52]
