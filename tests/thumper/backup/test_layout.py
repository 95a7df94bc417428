"""However offsets are missing: written by its steps, each record gets its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper.backup.layout import MOST, Span, spans
from thumper.backup.segments import Entry


def entry(offset: int) -> Entry:
    return Entry(offset, 0, None, b"", ())


def written(steps: list[Span]) -> tuple[list[tuple[int, int]], int]:
    """What a broker makes of the steps: (offset there, offset wanted) of each record; and where the log ends."""
    at, found = 0, []
    for step in steps:
        at += step.fillers
        for one in step.plain:
            found.append((at, one.offset))
            at += 1
        if step.closing is not None:
            found.append((at, step.closing.offset))
            at += 2
        if step.aborted:
            at += step.aborted + 1
    return found, at


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 4))
def test_every_record_gets_its_offset(missing: list[int], behind: int) -> None:
    offsets, at = [], 0
    for gap in missing:
        offsets.append(at + gap)
        at += gap + 1
    found, end = written(list(spans(map(entry, offsets), at + behind)))
    assert found == [(offset, offset) for offset in offsets]
    assert end == at + behind


def test_steps_are_bounded() -> None:
    steps = list(spans(map(entry, range(3 * MOST)), 3 * MOST + 1))
    assert max(len(step.plain) for step in steps) <= MOST
    assert written(steps)[1] == 3 * MOST + 1


@pytest.mark.parametrize(("offsets", "end"), [([3, 3], 9), ([4, 2], 9), ([5], 5)])
def test_offsets_that_cannot_be_are_refused(offsets: list[int], end: int) -> None:
    with pytest.raises(ValueError, match="offset"):
        list(spans(map(entry, offsets), end))
