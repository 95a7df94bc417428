"""thumper/replay/book.py and preview.py: which replay is under way, and how fast work went; pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import Control, GroupReplayed, GroupWanted, OffsetMoved
from thumper.lag import PartitionLag
from thumper.record import Partition
from thumper.replay.book import Book, book_of, left, under_way, undone_spans, with_left
from thumper.replay.plan import Move, Wish
from thumper.replay.preview import Again, Preview, lines, pace

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def replay(
    name: str, state: Any = "placed", minutes: int = 0, group: str = "detector", before: int = 9
) -> GroupReplayed:
    return GroupReplayed(
        type="group.replayed",
        replay_id=name,
        group=group,
        topic="images",
        state=state,
        wish="to the earliest event",
        moves=(OffsetMoved(partition=0, before=before, to=0),),
        begun_at=NOON + timedelta(minutes=minutes),
    )


def wanted(state: Any, group: str = "detector") -> GroupWanted:
    return GroupWanted(group=group, state=state)


def at(offset: int) -> list[PartitionLag]:
    return [PartitionLag(Partition("images", 0), 0, offset, 20)]


def test_each_replay_is_as_it_was_said_last_and_others_groups_are_left_out() -> None:
    said: list[Control] = [
        wanted("paused"),
        replay("second", "begun", 1),
        replay("first", "placed", 0),
        replay("second", "undone", 1),
        replay("elsewhere", group="sink"),
        wanted("running", "sink"),
    ]
    found = book_of(said, "detector")
    assert [(one.replay_id, one.state) for one in found.replays] == [("first", "placed"), ("second", "undone")]
    assert book_of([], "detector") == Book(())


@pytest.mark.parametrize(
    ("state", "offset", "wanted_left"),
    [
        pytest.param("placed", 0, 9, id="nothing done yet"),
        pytest.param("placed", 4, 5, id="some done"),
        pytest.param("placed", 9, 0, id="caught up"),
        pytest.param("placed", 15, 0, id="gone on"),
        pytest.param("begun", 4, 5, id="its command was killed"),
        pytest.param("undone", 4, 0, id="undone"),
        pytest.param("refused", 4, 0, id="refused"),
    ],
)
def test_what_is_left_of_a_replay(state: str, offset: int, wanted_left: int) -> None:
    assert left(replay("one", state), at(offset)) == wanted_left


def test_only_the_newest_can_be_under_way() -> None:
    book = book_of([replay("old", before=12), replay("new", minutes=1)], "detector")
    assert (under_way(book, at(4)) or replay("none")).replay_id == "new"
    assert [(one.replay_id, behind) for one, behind in with_left(book, at(4))] == [("new", 5), ("old", 0)]
    assert under_way(book, at(9)) is None
    undone = book_of([replay("old", before=12), replay("new", "undone", 1)], "detector")
    assert under_way(undone, at(4)) is None


def test_where_replays_were_broken_off() -> None:
    said = [replay("a"), replay("b", "undone", before=7), replay("c", "refused"), replay("d", "undone")]
    assert undone_spans(said) == {("detector", "images", 0): [(0, 7), (0, 9)]}


@given(st.integers(2, 200), st.integers(1, 5_000), st.randoms())
def test_a_steady_pace_is_found_in_any_order(count: int, gap_ms: int, random: Any) -> None:
    times = [number * gap_ms for number in range(count)]
    random.shuffle(times)
    assert pace(times) == pytest.approx(60_000 / gap_ms)


def test_nights_do_not_count_into_the_pace() -> None:
    evening = [number * 100 for number in range(50)]
    morning = [36_000_000 + number * 100 for number in range(50)]
    assert pace(evening + morning) == pytest.approx(600)
    assert pace([]) is None
    assert pace([5]) is None
    assert pace([5, 5]) == 60_000


def preview(**changed: Any) -> Preview:
    first, last = datetime(2026, 10, 1, 6), datetime(2026, 11, 3, 18)
    known: dict[str, Any] = {
        "wish": Wish("earliest"),
        "moves": (Move(Partition("images", 0), 1_200, 0),),
        "again": Again(1_180, 1_170, first, last, 1_100, 80),
        "waiting": 12,
        "members": 2,
        "rate_per_minute": 840.0,
    }
    return Preview(**{**known, **changed})


def test_the_dry_run_says_it_all() -> None:
    said = "\n".join(lines(preview(), "1 min 24 s"))
    for words in (
        "goes back to the earliest event",
        "times of import",
        "1,180 pictures (1,200 events in 1 partitions), taken 2026-10-01 06:00:00 to 2026-11-03 18:00:00 (10 without",
        "1,100 completed and 80 failed",
        "12 events wait already",
        "about 1 min 24 s at 840 pictures a minute",
        "2 members",
    ):
        assert words in said
    assert preview().seconds == pytest.approx(1_180 / 14)


def test_what_nobody_knows_is_not_guessed() -> None:
    assert preview(rate_per_minute=None).seconds is None
    assert "not known" in "\n".join(lines(preview(rate_per_minute=None), None))
    undated = preview(again=Again(3, 0, None, None, 3, 0), waiting=0, members=0)
    assert "taken nobody knows when" in "\n".join(lines(undated, "1 s"))
    assert "nothing is done again" in "\n".join(lines(preview(moves=()), None))
