"""api/trace_ranges.py: what of the log is read for one picture, and what is left out."""

from hypothesis import given
from hypothesis import strategies as st

from api.trace import Rows
from api.trace_ranges import Edges, Stretch, merged, stretches
from thumper.record import Partition

IMAGES, OTHER = Partition("images", 0), Partition("images", 1)
DETECTIONS, REQUESTS = Partition("detections", 0), Partition("requests", 1)
ENDS = {IMAGES: 1_000, OTHER: 50, DETECTIONS: 5_000, REQUESTS: 30}
RECORDED = {IMAGES: 998, OTHER: 50, DETECTIONS: 5_000, REQUESTS: 30}
ROW = {"first_partition": 0, "first_offset": 10, "log_partition": 0, "log_offset": 500}
EDGES = Edges(dict.fromkeys(ENDS, 0), ENDS, {DETECTIONS: 3_000, REQUESTS: 20})


def test_an_unknown_picture_is_looked_for_in_what_is_not_recorded() -> None:
    assert stretches(Rows(recorded=RECORDED), EDGES, 100) == ([Stretch(IMAGES, 998, 1_000)], [])


def test_a_known_one_where_the_tables_point_and_from_its_time_on() -> None:
    answered = {"log_partition": 0, "log_offset": 4_999, "good_partition": 0, "good_offset": 3_100}
    asked = {"request_partition": 1, "asked": 25}
    rows = Rows(image=ROW, results=[answered], requests=[asked], recorded=RECORDED)
    found, left = stretches(rows, EDGES, 10_000)
    assert found == [
        Stretch(DETECTIONS, 3_000, 5_000),
        Stretch(IMAGES, 10, 11),
        Stretch(IMAGES, 500, 501),
        Stretch(IMAGES, 998, 1_000),
        Stretch(REQUESTS, 20, 30),
    ]
    assert left == []


def test_beyond_the_limit_the_newest_are_kept_and_what_is_pointed_at_is_read_all_the_same() -> None:
    answered = {"log_partition": 0, "log_offset": 3_100, "good_partition": None, "good_offset": None}
    found, left = stretches(Rows(image=ROW, results=[answered], recorded=RECORDED), EDGES, 100)
    assert [one for one in found if one.part == DETECTIONS] == [
        Stretch(DETECTIONS, 3_100, 3_101),
        Stretch(DETECTIONS, 4_902, 5_000),
    ]
    assert left == [Stretch(DETECTIONS, 3_000, 4_902)]
    assert str(left[0]) == "detections 0: offsets 3000 to 4901"


@given(st.dictionaries(st.integers(0, 63), st.tuples(st.integers(0, 500), st.integers(0, 500))), st.integers(0, 2_000))
def test_all_stretches_share_one_limit_and_nothing_goes_missing(tails: dict[int, tuple[int, int]], most: int) -> None:
    parts = {Partition("images", number): (done, done + behind) for number, (done, behind) in tails.items()}
    ends = {part: end for part, (_, end) in parts.items()}
    rows = Rows(recorded={part: done for part, (done, _) in parts.items()})
    found, left = stretches(rows, Edges(dict.fromkeys(ends, 0), ends, {}), most)
    whole = [Stretch(part, *span) for part, span in sorted(parts.items()) if span[0] < span[1]]
    assert merged([*found, *left]) == whole
    assert sum(one.end - one.start for one in found) == min(most, sum(one.end - one.start for one in whole))
    for cut in left:
        assert all(cut.end <= one.start for one in found if one.part == cut.part), "the newest are kept"


def test_what_the_log_has_lost_is_not_asked_for() -> None:
    edges = EDGES._replace(starts={**ENDS, IMAGES: 300})
    found, _ = stretches(Rows(image=ROW, recorded=RECORDED), edges, 100)
    assert Stretch(IMAGES, 10, 11) not in found
    assert Stretch(IMAGES, 500, 501) in found


def test_each_offset_once() -> None:
    given = [Stretch(IMAGES, 5, 9), Stretch(IMAGES, 0, 6), Stretch(OTHER, 8, 9), Stretch(IMAGES, 20, 21)]
    assert merged(given) == [Stretch(IMAGES, 0, 9), Stretch(IMAGES, 20, 21), Stretch(OTHER, 8, 9)]
