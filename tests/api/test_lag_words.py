"""api/lag_words.py: each of Burrow's rules, on windows of four readings."""

import pytest

from api.lag_words import Reading, Windows, group_word, partition_word
from api.responses import GroupLagWord, LagWord
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition

IMAGES = Partition("images", 0)


def window(*seen: tuple[int, int], members: int | None = 1) -> list[Reading]:
    """From (position, lag), a reading every ten seconds."""
    return [Reading(10.0 * n, position, lag, members) for n, (position, lag) in enumerate(seen)]


@pytest.mark.parametrize(
    ("seen", "lag_now", "word"),
    [
        pytest.param(window((1, 9), (1, 9), (1, 9), (1, 9)), 0, "OK", id="no lag now"),
        pytest.param(window((1, 9), (1, 9), (1, 9)), 9, "OK", id="the window is not whole"),
        pytest.param(window((1, 9), (9, 0), (9, 2), (9, 3)), 3, "OK", id="there was no lag once"),
        pytest.param(window((1, 9), (1, 9), (1, 9), (1, 9)), 9, "STALL", id="does not move, with members"),
        pytest.param(window((1, 9), (1, 9), (1, 9), (1, 9), members=None), 9, "STALL", id="members not known"),
        pytest.param(window((1, 9), (1, 9), (1, 9), (1, 9), members=0), 9, "STOP", id="nobody is there"),
        pytest.param(window((9, 1), (0, 9), (0, 9), (0, 9), members=0), 9, "STOP", id="set back, and nobody works"),
        pytest.param(window((9, 1), (9, 0), (9, 3), (9, 4), members=0), 4, "OK", id="stopped with nothing to do"),
        pytest.param(window((5, 4), (9, 1), (0, 10), (3, 7)), 7, "REWIND", id="went back"),
        pytest.param(window((5, 4), (2, 7), (4, 5), (6, 3)), 3, "OK", id="went back and has recovered"),
        pytest.param(window((1, 5), (2, 6), (3, 6), (4, 9)), 9, "WARN", id="works, and lag never falls"),
        pytest.param(window((1, 5), (2, 6), (4, 5), (5, 9)), 9, "OK", id="lag fell once"),
    ],
)
def test_a_partitions_word(seen: list[Reading], lag_now: int, word: str) -> None:
    assert partition_word(seen, lag_now, size=4) == word


@pytest.mark.parametrize(
    ("words", "found", "word"),
    [
        pytest.param(["OK", "OK"], True, "OK", id="all are well"),
        pytest.param(["OK", "REWIND"], True, "OK", id="a replay is no error"),
        pytest.param(["WARN", "REWIND"], True, "WARN", id="the worst"),
        pytest.param(["WARN", "STALL"], True, "ERR", id="stalled"),
        pytest.param(["STOP", "OK"], True, "ERR", id="stopped"),
        pytest.param(["STOP"], False, "NOTFOUND", id="no such group"),
        pytest.param([], True, "OK", id="no partitions"),
    ],
)
def test_a_groups_word(words: list[LagWord], found: bool, word: GroupLagWord) -> None:
    assert group_word(words, found) == word


def lag(position: int | None, end: int, at_s: float = 0.0) -> GroupLag:
    return GroupLag("detector", (PartitionLag(IMAGES, 0, position, end),), at_s)


def test_windows_slide_and_say_how_much_they_have_seen() -> None:
    windows = Windows(size=4)
    assert windows.judge(lag(3, 9)).complete == 0.0
    for n in range(3):
        windows.add(lag(3, 9, n), members=1)
    judged = windows.judge(lag(3, 9))
    assert (judged.word, judged.complete, judged.partitions) == ("OK", 0.75, {IMAGES: "OK"})
    windows.add(lag(3, 9, 4), members=1)
    assert windows.judge(lag(3, 9)).word == "ERR"
    for n in range(4):
        windows.add(lag(4 + n, 10, 5 + n), members=1)
    assert windows.judge(lag(7, 10)).word == "OK"


def test_a_group_that_has_never_committed_and_has_no_members_is_not_found() -> None:
    windows = Windows(size=2)
    windows.add(lag(None, 9), members=0)
    assert windows.judge(lag(None, 9)).word == "NOTFOUND"
    windows.add(lag(None, 9), members=2)
    assert windows.judge(lag(None, 9)).word == "ERR", "it is there, and does nothing"
