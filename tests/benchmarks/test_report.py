"""Rows, ratios, turns and shares: the parts of the benchmarks that compute."""

import json
from dataclasses import dataclass, replace

import pytest

from benchmarks.cpu import shares
from benchmarks.passes import steady_rate
from benchmarks.report import Question, answer, document, table, unmeasured
from benchmarks.turns import OURS, Side, SideFailed, best, take_turns
from thumper.errors import KafkaDown

ASKED = Question("a_vs_b", "pictures/s", "the other one", 0.8)


def test_the_ratio_is_the_median_of_the_pairs_and_not_the_ratio_of_the_medians() -> None:
    row = answer(ASKED, [10.0, 20.0, 90.0], [10.0, 40.0, 100.0], "a note")
    assert (row.value, row.peer_value, row.ratio, row.lowest, row.highest) == (20.0, 40.0, 0.9, 0.5, 1.0)
    assert (row.rounds, row.note, row.reason) == (3, "a note", "")


@pytest.mark.parametrize(
    ("ours", "goal", "holds"),
    [
        pytest.param(8.0, 0.8, True, id="just reached"),
        pytest.param(7.9, 0.8, False, id="just missed"),
        pytest.param(7.9996, 0.8, False, id="missed, though it reads 0.800"),
        pytest.param(1.0, None, None, id="no goal"),
    ],
)
def test_a_goal_holds_from_its_number_on(ours: float, goal: float | None, holds: bool | None) -> None:
    assert answer(Question("a", "s", "b", goal), [ours], [10.0]).holds is holds


@pytest.mark.parametrize(
    ("ours", "peers"), [pytest.param([], [], id="nothing"), pytest.param([1.0], [1.0, 2.0], id="no pairs")]
)
def test_what_is_no_pair_is_no_answer(ours: list[float], peers: list[float]) -> None:
    with pytest.raises(ValueError, match=r"nothing was measured|argument 2"):
        answer(ASKED, ours, peers)


def test_the_document_has_every_row_with_all_its_fields() -> None:
    rows = [answer(ASKED, [1.0], [2.0]), unmeasured(ASKED, "torch is not installed")]
    found = json.loads(document(rows, {"cores": 2}))
    assert found["machine"] == {"cores": 2}
    measured, failed = found["rows"]
    wanted = {"name", "value", "unit", "peer", "peer_value", "ratio", "goal", "holds"}
    assert wanted <= measured.keys() == failed.keys()
    assert (measured["ratio"], measured["holds"]) == (0.5, False)
    assert (failed["ratio"], failed["holds"], failed["reason"]) == (None, None, "torch is not installed")


def test_the_table_says_what_was_compared_and_what_was_not_measured() -> None:
    lines = table([answer(ASKED, [3_000.0], [2.0], "a note"), unmeasured(ASKED, "no torch")]).splitlines()
    assert " ".join(lines[1].split()) == "a_vs_b 3,000 2.00 pictures/s 1,500 1500.00 1500.00 0.80 yes 1 0"
    assert [line.strip() for line in lines[2:4]] == ["against: the other one", "a note"]
    assert " ".join(lines[4].split()) == "a_vs_b - - pictures/s - - 0.80 - 0 0"
    assert lines[-1].strip() == "NOT MEASURED: no torch"
    assert lines[0].index("holds") == lines[1].index("yes")


def test_details_stand_below_the_row_and_in_the_document() -> None:
    row = replace(answer(ASKED, [1.0], [2.0]), details={"inference": 20.125, "decoding": 8.0})
    assert [line.strip() for line in table([row]).splitlines()[-2:]] == ["20.12  inference", "8.00  decoding"]
    assert json.loads(document([row], {}))["rows"][0]["details"] == {"inference": 20.125, "decoding": 8.0}


def test_sides_run_in_turn() -> None:
    order: list[str] = []

    def side(name: str, rate: float) -> float:
        order.append(name)
        return rate

    sides = {OURS: lambda: side("ours", 8.0), "a_vs_b": lambda: side("b", 10.0)}
    turns = take_turns(sides, 2, lambda _: None)
    assert order == ["ours", "b", "ours", "b"]
    assert turns.row(ASKED).ratio == 0.8


def test_a_peer_that_fails_leaves_the_others() -> None:
    def failing() -> float:
        raise SideFailed("no torch")

    turns = take_turns({OURS: lambda: 8.0, "c": failing, "a_vs_b": lambda: 10.0}, 2, lambda _: None)
    assert turns.row(ASKED).rounds == 2
    row = turns.row(Question("c", "pictures/s", "another"))
    assert (row.ratio, row.reason) == (None, "no torch")


def test_without_ours_there_is_no_answer_and_no_further_round() -> None:
    asked: list[int] = []

    def failing() -> float:
        asked.append(1)
        raise KafkaDown("no broker")

    turns = take_turns({OURS: failing, "a_vs_b": lambda: 10.0}, 3, lambda _: None)
    assert len(asked) == 1
    assert turns.row(ASKED).reason == "ours: no broker"


@dataclass
class Busy:
    """A Measure for a machine that others use by these shares, side after side."""

    shares: list[float]

    def __call__(self, side: Side) -> tuple[float, float]:
        return side(), self.shares.pop(0)


def test_disturbed_rounds_are_repeated_and_do_not_count() -> None:
    rates = iter([1.0, 10.0, 8.0, 10.0, 9.0, 10.0])
    sides = {OURS: lambda: next(rates), "a_vs_b": lambda: next(rates)}
    row = take_turns(sides, 2, lambda _: None, Busy([50.0, 0.0, 1.0, 2.0, 0.0, 3.0])).row(ASKED)
    assert (row.rounds, row.lowest, row.highest, row.disturbed) == (2, 0.8, 0.9, 3.0)


def test_where_it_is_never_quiet_the_quietest_rounds_count() -> None:
    rates = iter([5.0, 10.0, 8.0, 10.0, 6.0, 10.0])
    sides = {OURS: lambda: next(rates), "a_vs_b": lambda: next(rates)}
    row = take_turns(sides, 1, lambda _: None, Busy([50.0, 0.0, 20.0, 30.0, 0.0, 90.0])).row(ASKED)
    assert (row.rounds, row.ratio, row.disturbed) == (1, 0.8, 30.0)
    assert next(rates, None) is None


def test_the_best_is_the_fastest_by_its_better_time() -> None:
    said: list[str] = []
    times = {"1": [5.0, 4.0], "4": [1.0, 9.0], "2": [7.0, 7.0]}
    assert best(list(times), lambda one: times[one].pop(0), said.append) == "4"
    assert said == ["tried: 1 5.0/s, 4 9.0/s, 2 7.0/s"]


@pytest.mark.parametrize(
    ("seen", "rate"),
    [
        pytest.param([(0.0, 0), (1.0, 5), (2.0, 20), (7.0, 80), (9.0, 99)], 12.0, id="ends are left out"),
        pytest.param([(0.0, 0), (1.0, 50), (2.0, 100)], 0.0, id="too few looks"),
        pytest.param([], 0.0, id="no look"),
    ],
)
def test_the_steady_rate_is_that_of_the_middle(seen: list[tuple[float, int]], rate: float) -> None:
    assert steady_rate(seen, 100) == rate


def test_shares_are_of_the_whole_and_what_belongs_to_nobody_is_others() -> None:
    before = {"sink": 1.0, "benchmark": 0.0, "all": 50.0}
    after = {"sink": 2.0, "benchmark": 0.5, "all": 54.0}
    assert shares(before, after, 10.0) == {"sink": 10.0, "benchmark": 5.0, "others": 25.0}
