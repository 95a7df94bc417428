"""What may be committed, under random schedules with transaction markers, revokes and rewinds."""

from hypothesis import given
from hypothesis import strategies as st

from thumper.ledger import OffsetLedger
from thumper.record import Partition, Record

ONE = Partition("images", 0)
TWO = Partition("images", 1)


def records(ledger: OffsetLedger, *offsets: int, partition: Partition = ONE) -> list[Record]:
    taken = [Record(partition, offset, b"", epoch=ledger.epoch(partition) or 0) for offset in offsets]
    for record in taken:
        ledger.taken(record)
    return taken


def test_nothing_in_hand_is_the_position_which_passes_markers() -> None:
    ledger = OffsetLedger()
    ledger.assign([ONE])
    taken = records(ledger, 3, 4)
    ledger.finished(taken)
    assert ledger.committable({ONE: 7}) == {ONE: 7}


def test_the_oldest_unfinished_holds_the_offset_back() -> None:
    ledger = OffsetLedger()
    ledger.assign([ONE])
    taken = records(ledger, 3, 4, 5)
    ledger.finished(taken[1:])
    assert ledger.committable({ONE: 6}) == {ONE: 3}
    assert ledger.in_hand() == 1


def test_records_of_an_earlier_epoch_do_not_count() -> None:
    ledger = OffsetLedger()
    ledger.assign([ONE])
    old = records(ledger, 3)
    ledger.assign([ONE])
    new = records(ledger, 3)
    assert ledger.finished(old) == 0
    assert ledger.committable({ONE: 4}) == {ONE: 3}
    assert ledger.finished(new) == 1
    assert ledger.committable({ONE: 4}) == {ONE: 4}
    assert not ledger.owns(old[0])


def test_partitions_that_went_are_not_committed() -> None:
    ledger = OffsetLedger()
    ledger.assign([ONE, TWO])
    records(ledger, 1)
    ledger.revoke([ONE])
    assert ledger.committable({ONE: 2, TWO: 9}) == {TWO: 9}
    assert ledger.epoch(ONE) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60), st.randoms(use_true_random=False))
def test_never_past_an_unfinished_record_and_at_the_end_exactly_the_position(
    steps: list[tuple[int, bool]], random: "object"
) -> None:
    ledger = OffsetLedger()
    ledger.assign([ONE])
    position, open_records = 0, []
    for gap, finish in steps:
        position += gap  # markers and aborted records
        open_records += records(ledger, position)
        position += 1
        if finish and open_records:
            index = random.randrange(len(open_records))  # type: ignore[attr-defined]
            ledger.finished([open_records.pop(index)])
        allowed = ledger.committable({ONE: position})[ONE]
        assert all(allowed <= record.offset for record in open_records)
        assert allowed == (min(record.offset for record in open_records) if open_records else position)
    ledger.finished(open_records)
    assert ledger.committable({ONE: position}) == {ONE: position}
