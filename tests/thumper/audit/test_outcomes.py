"""`detections` against result rows: what the sink makes of any history is clean, and any change of it is found."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.detection import DetectionCompleted, DetectionFailed
from tests.sinks.events import box, completed, failed, image
from tests.thumper.audit.folded import NoExcuses, Said, ends_of, item, logged, result_rows, rows_of
from thumper.audit.findings import Findings
from thumper.audit.lean import read_outcome
from thumper.audit.outcomes import Outcomes
from thumper.record import Partition, Record
from thumper.tables import FAILED


def _outcome(n: int, good: bool, name: str, boxes: int) -> DetectionCompleted | DetectionFailed:
    return completed(n, *[box()] * boxes, name=name) if good else failed(n, "decode", name=name)


HISTORIES = st.lists(
    st.builds(
        lambda n, stray, ms, event: (n % 3 if not stray else (n + 1) % 3, ms, _outcome(n, *event)),
        st.integers(0, 5),
        st.integers(0, 4).map(lambda one: one == 0),
        st.integers(1, 5),
        st.tuples(st.booleans(), st.sampled_from(["m1", "m2"]), st.integers(0, 2)),
    ),
    min_size=1,
    max_size=25,
)


def judge(
    records: Sequence[Record],
    rows: Sequence[SimpleNamespace],
    recorded: dict[Partition, int] | None = None,
    most_waiting: int = 1_000,
) -> Findings:
    findings = Findings()
    known = ends_of(records) if recorded is None else recorded
    found = Outcomes(result_rows(rows), known, findings, NoExcuses(), most_waiting)
    for record in records:
        found.take(record.partition.number, item(record), read_outcome(record.value))
    found.finish()
    return findings


@given(HISTORIES)
def test_what_the_sink_makes_of_it_is_clean(said: list[Said]) -> None:
    records = logged("detections", said)
    rows = rows_of("result", records)
    findings = judge(records, rows)
    assert findings.wrong == {}
    assert findings.counted == {"outcomes in detections": len(records), "results in the tables": len(rows)}


@given(HISTORIES, st.data())
def test_a_row_that_is_gone_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    rows = rows_of("result", records)
    gone = rows.pop(data.draw(st.integers(0, len(rows) - 1)))
    findings = judge(records, rows)
    assert set(findings.wrong) == {"outcome_without_row"}
    assert all(gone.image_id in example for example in findings.wrong["outcome_without_row"].examples)


@given(HISTORIES, st.data())
def test_a_row_that_shows_what_was_before_is_found(said: list[Said], data: st.DataObject) -> None:
    """The rows of an earlier moment, while more is said to be recorded."""
    records = logged("detections", said)
    number = data.draw(st.sampled_from(sorted({one.partition.number for one in records})))
    last = max(one.offset for one in records if one.partition.number == number)
    earlier = [one for one in records if (one.partition.number, one.offset) != (number, last)]
    now, before = rows_of("result", records), rows_of("result", earlier)
    findings = judge(records, before)
    if [vars(row) for row in now] == [vars(row) for row in before]:
        assert findings.wrong == {}, "it came too late to be the newest"
    else:
        assert set(findings.wrong) <= {"outcome_without_row", "older_outcome_shown"}
        assert findings.wrong


CHANGES = {
    "state": 3,
    "error_class": "missing",
    "group_id": "other",
    "origin_topic": "requests",
    "origin_partition": 7,
    "origin_offset": 99,
    "image_id": str(image(77)),
    "model_id": "m3",
}


@pytest.mark.parametrize("column", sorted(CHANGES))
@given(said=HISTORIES, data=st.data())
def test_a_row_that_says_something_else_is_found(column: str, said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    rows = rows_of("result", records)
    setattr(rows[data.draw(st.integers(0, len(rows) - 1))], column, CHANGES[column])
    assert "result_differs" in judge(records, rows).wrong


@given(HISTORIES, st.data())
def test_another_number_of_boxes_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    rows = [row for row in rows_of("result", records) if row.box_count is not None]
    if rows:
        every = rows_of("result", records)
        good = [row for row in every if row.box_count is not None]
        data.draw(st.sampled_from(good)).box_count += 1
        assert set(judge(records, every).wrong) == {"result_differs"}


@given(HISTORIES, st.data())
def test_a_row_whose_outcome_is_not_in_the_log_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    rows = rows_of("result", records)
    data.draw(st.sampled_from(rows)).log_offset = data.draw(st.integers(100, 200))
    assert "row_without_outcome" in judge(records, rows).wrong


@given(HISTORIES, st.data())
def test_a_good_outcome_that_is_not_the_last_good_one_is_found(said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    rows = rows_of("result", records)
    still_good = [row for row in rows if row.state == FAILED and row.good_partition is not None]
    if still_good:
        row = data.draw(st.sampled_from(still_good))
        row.good_partition = row.good_offset = row.good_ms = None
        assert set(judge(records, rows).wrong) == {"older_outcome_shown"}


@given(HISTORIES, st.data())
def test_what_is_not_recorded_yet_is_in_flight(said: list[Said], data: st.DataObject) -> None:
    records = logged("detections", said)
    recorded = {part: data.draw(st.integers(0, end)) for part, end in ends_of(records).items()}
    known = [record for record in records if record.offset < recorded[record.partition]]
    findings = judge(records, rows_of("result", known), recorded)
    assert findings.wrong == {}
    assert findings.in_flight["outcomes not recorded yet"] == len(records) - len(known)


def test_what_the_database_refused_has_a_row_of_its_own_class() -> None:
    records = logged("detections", [(0, 1, completed(1, box()))])
    (row,) = rows_of("result", logged("detections", [(0, 1, failed(1, "record"))]))
    assert judge(records, [row]).wrong == {}
    row.error_class = "decode"
    assert set(judge(records, [row]).wrong) == {"result_differs"}


@given(HISTORIES, st.integers(1, 5))
def test_what_does_not_fit_into_memory_is_asked_of_the_tables(said: list[Said], most_waiting: int) -> None:
    records = logged("detections", [*said, *said])
    rows = rows_of("result", records)
    assert judge(records, rows, most_waiting=most_waiting).wrong == {}
    del rows[0]
    assert set(judge(records, rows, most_waiting=most_waiting).wrong) == {"outcome_without_row"}
