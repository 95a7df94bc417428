"""api/cursors.py: what comes out goes in again, and nothing else does."""

import base64
from datetime import datetime
from uuid import uuid4

import pytest

from api.cursors import Cursor
from api.problems import Refusal


@pytest.mark.parametrize(
    "cursor",
    [
        Cursor(time=datetime(2026, 11, 3, 6, 30), id=uuid4()),
        Cursor(time=datetime(2026, 11, 3, 6, 30, 0, 5), id=uuid4(), n=3),
        Cursor(dated=False, id=uuid4()),
    ],
)
def test_there_and_back(cursor: Cursor) -> None:
    assert Cursor.read(cursor.word()) == cursor


def test_none_is_the_first_page() -> None:
    assert Cursor.read(None) == Cursor(dated=True, time=None, id=None)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}x", b"\xff", b"[]", b'{"id": 5}', b'{"dated": true, "id": "4b4f6f3e-8f43-5a0e-9d0a-6a1d5c0f8a11"}',
     b'{"time": "2026-11-03T06:30:00Z"}', b'{"n": 99999999999999999999}', b'{"other": 1}'],
)  # fmt: skip
def test_a_damaged_one_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="cursor"):
        Cursor.read(base64.urlsafe_b64encode(content).decode())


@pytest.mark.parametrize("word", ["é", "a", "%%%", "====", " "])
def test_what_is_no_word_of_ours_is_refused(word: str) -> None:
    with pytest.raises(Refusal):
        Cursor.read(word)
