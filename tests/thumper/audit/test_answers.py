"""Who answered what: losses, repeats, passes, and what is still to come."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from tests.sinks.events import completed, origin
from thumper.audit.answers import Answers, Passes, summary
from thumper.audit.findings import Findings
from thumper.audit.lean import read_outcome
from thumper.audit.log import LogView
from thumper.record import Partition

IMAGES = Partition("images", 0)
# Source offset, model, group.
Answer = tuple[int, str, str]


def view(end: int, committed: int | None = None, start: int = 0, settled: bool = True) -> LogView:
    of_group = {} if committed is None else {IMAGES: committed}
    return LogView({IMAGES: start}, {IMAGES: end}, {"detector": of_group}, settled)


def judge(
    answered: Iterable[int | Answer], look: LogView, excused: Sequence[int] = (), only: str | None = None
) -> tuple[Findings, list[Passes]]:
    findings = Findings()
    answers = Answers(look, findings, only)
    for n, one in enumerate(answered):
        offset, model, group = one if isinstance(one, tuple) else (one, "m1", "detector")
        outcome = completed(offset, name=model, of=origin(offset)).model_copy(update={"group": group})
        event = read_outcome(encode(outcome))
        assert event is not None
        answers.take(0, n, event)
    return findings, answers.judge(lambda _, __, offsets, ___: [one for one in offsets if one not in excused])


@pytest.mark.parametrize(
    ("undone", "noted", "wrong"),
    [
        pytest.param([(0, 3)], 2, 0, id="undone"),
        pytest.param([(1, 3)], 0, 2, id="of another part"),
        pytest.param([(0, 1)], 0, 2, id="that went less far back"),
        pytest.param([], 0, 2, id="none was undone"),
    ],
)
def test_a_replay_that_was_undone_is_no_fault(undone: list[tuple[int, int]], noted: int, wrong: int) -> None:
    findings = Findings()
    answers = Answers(view(5, 5), findings, None, {("detector", "images", 0): undone})
    for n, offset in enumerate([0, 1, 2, 0, 1, 3, 4]):
        event = read_outcome(encode(completed(offset, name="m1", of=origin(offset))))
        assert event is not None
        answers.take(0, n, event)
    answers.judge(lambda _, __, offsets, ___: list(offsets))
    assert findings.noted["outcomes of replays that were undone"] == noted
    assert sum(count for count, _ in told(findings).values()) == wrong


def told(findings: Findings) -> dict[str, tuple[int, list[str]]]:
    return {kind: (one.count, one.examples) for kind, one in findings.wrong.items()}


Wrongs = dict[str, tuple[int, list[str]]]


def lost(low: int, high: int) -> Wrongs:
    return {"lost": (high - low + 1, [f"group detector: images 0 at offsets {low} to {high}"])}


TWICE: Wrongs = {"duplicate": (2, ["group detector: images 0 at offsets 1 to 2"])}
STRAY: Wrongs = {"unknown_source": (1, ["detections 0 at offset 2: answers images 0 at offset 9"])}
# Answered offsets, the log, what is wrong; then outcomes, passes, still to be answered, to be answered again.
CASES: list[Any] = [
    pytest.param([0, 1, 2], view(3, 3), {}, (3, 1, 0, 0), id="all answered"),
    pytest.param([], view(3), {}, (0, 0, 3, 0), id="nobody has begun"),
    pytest.param([0, 1], view(5, 2), {}, (2, 1, 3, 0), id="more to come"),
    pytest.param([0, 1, 2], view(3, 0), {}, (3, 1, 0, 3), id="set back to the start"),
    pytest.param([0, 1, 2, 0], view(3, 1), {}, (4, 2, 0, 2), id="on its way again"),
    pytest.param([0, 1, 2, 0, 1, 2], view(3, 3), {}, (6, 2, 0, 0), id="a whole replay"),
    pytest.param([0, 1, 4], view(5, 5), lost(2, 3), (3, 1, 0, 0), id="a hole"),
    pytest.param([1, 2], view(3, 3), lost(0, 0), (2, 1, 0, 0), id="no beginning"),
    pytest.param([1, 2], view(3, 3, start=1), {}, (2, 1, 0, 0), id="the log begins later"),
    pytest.param([0, 1], view(4, 4), lost(2, 3), (2, 1, 0, 0), id="passed without a word"),
    pytest.param([0, 1], view(4, 4, settled=False), {}, (2, 1, 2, 0), id="a transaction is still open"),
    pytest.param([0, 1, 4, 2, 3], view(5, 5), {}, (5, 2, 0, 0), id="a hole that was gone back to"),
    pytest.param([0, 1, 2, 3, 1, 2, 4], view(5, 5), TWICE, (7, 1, 0, 0), id="twice within a pass"),
    pytest.param([0, 1, 9], view(2, 2), STRAY, (2, 1, 0, 0), id="an event that is not there"),
    pytest.param([0, 1, (0, "m2", "detector"), (1, "m2", "detector")], view(2, 2), {}, (4, 2, 0, 0), id="two models"),
]


@pytest.mark.parametrize(("answered", "look", "wrong", "numbers"), CASES)
def test_judgement(answered: list[int], look: LogView, wrong: Wrongs, numbers: tuple[int, int, int, int]) -> None:
    findings, (line,) = judge(answered, look)
    assert told(findings) == wrong
    assert (line.outcomes, line.passes, line.unanswered, line.again) == numbers
    assert [line.lost, line.repeated] == [wrong.get(kind, (0,))[0] for kind in ("lost", "duplicate")]


def test_what_has_an_excuse_is_not_lost() -> None:
    findings, (line,) = judge([0, 1, 5], view(6, 6), excused=[2, 4])
    assert told(findings) == {"lost": (1, ["group detector: images 0 at offsets 3 to 3"])}
    assert line.lost == 1


def test_what_asks_for_a_model_is_measured_by_the_models_of_the_whole_group() -> None:
    asked: list[tuple[str, frozenset[str] | None]] = []
    requests = Partition("requests", 0)
    look = LogView({IMAGES: 0, requests: 0}, {IMAGES: 1, requests: 1}, {"detector": {IMAGES: 1, requests: 1}}, True)

    def unexcused(_: str, part: Partition, offsets: Iterable[int], models: frozenset[str] | None) -> Iterable[int]:
        asked.append((part.topic, models))
        return offsets

    findings = Findings()
    answers = Answers(look, findings)
    answers.judge(unexcused)
    assert asked == [("images", None), ("requests", None)], "it has never answered"
    event = read_outcome(encode(completed(0, of=origin(0))))
    assert event is not None
    answers.take(0, 0, event)
    answers.judge(unexcused)
    assert asked[2:] == [("images", frozenset({"m1"})), ("requests", frozenset({"m1"}))]
    assert findings.wrong["lost"].examples[-1] == "group detector: requests 0 at offsets 0 to 0"


def test_groups_are_judged_each_for_itself() -> None:
    side = [(offset, "m2", "replay.1") for offset in (3, 5)]
    live = [(offset, "m1", "detector") for offset in range(6)]
    findings, lines = judge([*live, *side], view(6, 6))
    assert told(findings) == {"lost": (1, ["group replay.1: images 0 at offsets 4 to 4"])}
    assert [(line.group, line.outcomes, line.lost) for line in lines] == [("detector", 6, 0), ("replay.1", 2, 1)]
    assert summary(lines) == {"detector": {"outcomes": 6, "passes": 1}, "replay.1": {"outcomes": 2, "passes": 1}}
    findings, lines = judge([*live, *side], view(6, 6), only="detector")
    assert (told(findings), [line.group for line in lines]) == ({}, ["detector"])


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(0, 31))
def test_what_no_outcome_answers_is_lost_or_to_come(answered: list[int], committed: int) -> None:
    """Whatever the order: each event is answered, lost, or still to be answered."""
    findings, (line,) = judge(answered, view(31, committed))
    passed = max([committed, *(offset + 1 for offset in answered)])
    assert line.lost == passed - len(set(answered))
    assert line.unanswered == 31 - passed
    assert len(set(answered)) + line.lost + line.unanswered == 31
    assert (findings.wrong["lost"].count if line.lost else 0) == line.lost
