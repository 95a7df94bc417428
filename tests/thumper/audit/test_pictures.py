"""`images` against image rows: what the sink makes of any history is clean, and any change of it is found."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sinks.events import image, imported
from tests.thumper.audit.folded import NoExcuses, Said, ends_of, item, logged, picture_rows, rows_of
from thumper.audit.findings import Findings
from thumper.audit.ordered import Place
from thumper.audit.pictures import Pictures, Removed
from thumper.record import Partition, Record

# Which picture, where its event goes to, and when: most often where its key says, now and then elsewhere.
HISTORIES = st.lists(
    st.builds(
        lambda n, stray, ms, place: (n % 3 if not stray else (n + 1) % 3, ms, imported(n, place)),
        st.integers(0, 8),
        st.integers(0, 4).map(lambda one: one == 0),
        st.integers(1, 5),
        st.sampled_from(["Hayfield", "Sanctuary"]),
    ),
    min_size=1,
    max_size=25,
)


def judge(
    records: Sequence[Record], rows: Sequence[SimpleNamespace], recorded: dict[Partition, int] | None = None
) -> tuple[Findings, list[tuple[str, Place, str]]]:
    findings, named = Findings(), list[tuple[str, Place, str]]()
    pictures = Pictures(
        picture_rows(rows),
        ends_of(records) if recorded is None else recorded,
        findings,
        NoExcuses(),
        Removed({}, lambda uri, place, sha256: named.append((uri, place, sha256)), lambda _: None),
    )
    for record in records:
        pictures.take(record.partition.number, item(record))
    pictures.finish()
    return findings, named


@given(HISTORIES)
def test_what_the_sink_makes_of_it_is_clean(said: list[Said]) -> None:
    records = logged("images", said)
    rows = rows_of("image", records)
    findings, named = judge(records, rows)
    assert findings.wrong == {}
    assert findings.counted == {"events in images": len(records), "pictures in the tables": len(rows)}
    assert [place for _, place, _ in named] == [(one.partition.number, one.offset) for one in records]


@given(HISTORIES, st.data())
def test_a_row_that_is_gone_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("images", said)
    rows = rows_of("image", records)
    gone = rows.pop(data.draw(st.integers(0, len(rows) - 1)))
    findings, _ = judge(records, rows)
    assert set(findings.wrong) == {"event_without_row"}
    events = [record for record in records if gone.sha256.encode() in (record.value or b"")]
    assert findings.wrong["event_without_row"].count == len(events)
    assert all(gone.image_id in example for example in findings.wrong["event_without_row"].examples)


@given(HISTORIES, st.sampled_from(["sha256", "uri", "image_id"]), st.data())
def test_a_row_that_says_something_else_is_found(said: list[Said], column: str, data: st.DataObject) -> None:
    records = logged("images", said)
    rows = rows_of("image", records)
    setattr(rows[data.draw(st.integers(0, len(rows) - 1))], column, "something else")
    assert "picture_differs" in judge(records, rows)[0].wrong


@given(HISTORIES, st.data())
def test_a_row_at_a_place_that_is_no_event_of_its_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("images", said)
    rows = rows_of("image", records)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    row.log_offset = row.first_offset = data.draw(st.integers(100, 200))
    assert "row_without_event" in judge(records, rows)[0].wrong


@given(HISTORIES, st.data())
def test_what_is_not_recorded_yet_is_in_flight(said: list[Said], data: st.DataObject) -> None:
    records = logged("images", said)
    recorded = {part: data.draw(st.integers(0, end)) for part, end in ends_of(records).items()}
    known = [record for record in records if record.offset < recorded[record.partition]]
    findings, _ = judge(records, rows_of("image", known), recorded)
    assert findings.wrong == {}
    assert findings.in_flight["pictures not recorded yet"] == len(records) - len(known)
    findings, _ = judge(records, rows_of("image", records), recorded)
    assert bool(findings.wrong) <= (len(known) < len(records)), "rows beyond what is said to be recorded"


def test_a_row_that_missed_a_newer_event_is_found() -> None:
    records = logged("images", [(0, 1, imported(1)), (0, 2, imported(1)), (0, 3, imported(2))])
    rows = [*rows_of("image", records[:1]), *rows_of("image", records[2:])]
    assert {kind: one.examples for kind, one in judge(records, rows)[0].wrong.items()} == {
        "older_picture_shown": [f"images 0 at offset 1 (picture {rows[0].image_id})"]
    }


@pytest.mark.parametrize("value", [None, b"", b"{}", b"no event"], ids=repr)
def test_what_nobody_can_read_is_noted(value: bytes | None) -> None:
    records = [Record(Partition("images", 0), 0, value)]
    findings, named = judge(records, [])
    assert (findings.wrong, named) == ({}, [])
    assert findings.noted["events in images that nobody can read"] == 1
    rows = rows_of("image", logged("images", [(0, 1, imported(1))]))
    assert set(judge(records, rows)[0].wrong) == {"row_without_event"}


def test_events_of_a_removed_picture_need_no_row_and_may_have_none() -> None:
    records = logged("images", [(0, 10, imported(1)), (0, 20, imported(2)), (0, 30, imported(1))])
    rows = rows_of("image", records)
    for times, wrong, noted in (
        ({str(image(1)): 10}, {}, 1),  # brought back by the later event
        ({str(image(2)): 25}, {"removed_still_shown": 1}, 1),
    ):
        findings, voided = Findings(), list[str]()
        kept = [row for row in rows_of("image", records[1:]) if times.get(row.image_id) != 25] if not wrong else rows
        removed = Removed(times, lambda *_: None, voided.append)
        pictures = Pictures(picture_rows(kept), ends_of(records), findings, NoExcuses(), removed)
        for record in records:
            pictures.take(record.partition.number, item(record))
        pictures.finish()
        assert {kind: found.count for kind, found in findings.wrong.items()} == wrong
        assert (findings.noted["events of removed pictures"], len(voided)) == (noted, 1)
