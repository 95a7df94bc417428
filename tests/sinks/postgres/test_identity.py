"""Whether the tables belong to this log."""

import pytest

from sinks.postgres.identity import judge, judge_new, judge_positions
from thumper.errors import Fatal
from thumper.record import Partition

IMAGES = Partition("images", 0)


def test_a_new_topic_and_the_same_topic_are_fine() -> None:
    judge({}, {"images": ("c1", "t1")})
    judge({"images": ("c1", "t1")}, {"images": ("c1", "t1"), "facts": ("c1", "t2")})


@pytest.mark.parametrize("found", [("c2", "t1"), ("c1", "t9")], ids=["another cluster", "the topic was made anew"])
def test_another_log_is_refused_and_the_message_says_what_to_do(found: tuple[str, str]) -> None:
    with pytest.raises(Fatal, match="topic images") as error:
        judge({"images": ("c1", "t1")}, {"images": found})
    assert "rebuild" in error.value.hint


@pytest.mark.parametrize(("position", "ends"), [(8, {IMAGES: 7}), (1, {})], ids=["a shorter log", "no such partition"])
def test_rows_beyond_the_end_of_the_log_are_refused(position: int, ends: dict[Partition, int]) -> None:
    with pytest.raises(Fatal, match="images 0 is recorded up to"):
        judge_positions({IMAGES: position}, ends)


def test_rows_up_to_the_end_are_fine() -> None:
    judge_positions({IMAGES: 7}, {IMAGES: 7})


def test_new_tables_of_a_group_that_has_passed_events_are_refused() -> None:
    judge_new({}, {IMAGES: 0})
    judge_new({IMAGES: 3}, {IMAGES: 3})
    with pytest.raises(Fatal, match="the tables are empty, but the group has passed images 0 up to 4") as error:
        judge_new({IMAGES: 4}, {IMAGES: 3})
    assert "thumper rebuild" in error.value.hint
