"""Records: their headers as text."""

import pytest

from thumper.record import Partition, Record

ONE = Partition("images", 0)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param([], None, id="none"),
        pytest.param([("b", b"1")], None, id="another"),
        pytest.param([("a", b"1"), ("b", b"2"), ("a", b"3")], "3", id="the last of its name"),
        pytest.param([("a", b"\xff")], "�", id="no UTF-8"),
        pytest.param([("a", b"1"), ("a", None)], None, id="the last is null"),
    ],
)
def test_a_header_as_text(headers: list[tuple[str, bytes]], found: str | None) -> None:
    assert Record(ONE, 0, b"", headers=headers).header("a") == found


def test_the_same_record_under_another_epoch() -> None:
    record = Record(ONE, 3, b"value", b"key", [("a", b"1")], 1_000, epoch=1)
    assert record.under(2) == Record(ONE, 3, b"value", b"key", [("a", b"1")], 1_000, epoch=2)
