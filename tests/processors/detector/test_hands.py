"""What is in hand outlives the process, and only what is."""

from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.detector.hands import IN_HAND, SUSPECTS, Hands, place_of
from thumper.errors import UserError
from thumper.record import Partition, Record

RECORDS = st.builds(
    lambda topic, part, offset: Record(Partition(topic, part), offset, b""),
    st.sampled_from(["images", "requests"]),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
)


def record(offset: int) -> Record:
    return Record(Partition("images", 3), offset, b"")


KEPT: list[object] = []


def keep(hands: Hands, records: list[Record]) -> None:
    """In hand to the end, as by a thread of a process that is killed."""
    holding = hands.holding(records)
    holding.__enter__()
    KEPT.append(holding)  # else it is let go when it is collected


@hypothesis.settings(max_examples=30)
@given(st.lists(RECORDS, max_size=20), st.lists(RECORDS, max_size=20))
def test_what_is_in_hand_at_the_end_is_suspect_afterwards(
    tmp_path_factory: pytest.TempPathFactory, done: list[Record], left: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("run") / "w1.hand"
    life = Hands(path)
    with life.holding(done):
        pass
    keep(life, left)
    assert set(Hands(path).suspects) == {place_of(one) for one in left}


def test_a_suspect_stays_one_over_further_lives_until_it_is_settled(tmp_path: Path) -> None:
    path = tmp_path / "run" / "w1.hand"
    keep(Hands(path), [record(1), record(2)])
    second = Hands(path)
    second.settled(place_of(record(1)))
    second.settled(place_of(record(9)))
    keep(second, [record(3)])
    assert set(Hands(path).suspects) == {place_of(record(2)), place_of(record(3))}


def test_a_record_is_let_go_when_what_is_done_with_it_fails(tmp_path: Path) -> None:
    hands = Hands(tmp_path / "w1.hand")
    with pytest.raises(ZeroDivisionError), hands.holding([record(1)]):
        _ = 1 / 0
    assert Hands(tmp_path / "w1.hand").suspects == {}


def test_more_than_there_is_room_for_is_not_noted_and_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "w1.hand"
    hands = Hands(path)
    with hands.holding([record(number) for number in range(IN_HAND + 10)]), hands.holding([record(0)]):
        assert len(Hands(path).suspects) == SUSPECTS


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"\xff" * 30_000, b"\xff" * 20_496], ids=["empty", "short", "long", "its size"]
)
def test_a_file_of_something_else_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w1.hand"
    path.write_bytes(content)
    assert Hands(path).suspects == {}
    keep(Hands(path), [record(4)])
    assert set(Hands(path).suspects) == {place_of(record(4))}


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        Hands(tmp_path / "run" / "w1.hand")
