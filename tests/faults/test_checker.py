"""The checker finds nothing wrong where nothing is, and names each kind of wrong that is planted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.checker import KINDS, LOST, TWICE, check, counted
from tests.faults.evidence import Evidence, Outcome, Place, Reset, Row, Sample
from tests.faults.stub import Answer

PICTURES = {f"p{number}": number for number in range(6)}
# Picture by offset of the two partitions of `images`; one request for p1.
EVENTS = {
    **{Place("images", number % 2, number // 2): f"p{number}" for number in range(6)},
    Place("requests", 1, 0): "p1",
}
RESET = Reset("images", 0, 2, 1)


def answer_of(number: int) -> Answer:
    return Answer("completed", ((number / 8,),)) if number != 4 else Answer("failed")


def id_of(outcome: Outcome) -> str:
    return str(outcome.answers)


def outcome(partition: int, offset: int, answers: Place, attempt: str = "a") -> Outcome:
    image_id = EVENTS[answers]
    return Outcome(
        partition, offset, str(answers), image_id, answers, answer_of(PICTURES[image_id]), f"{attempt}{offset}"
    )


# A marker of a transaction lies behind each of the first; then partition 0 is gone over from offset 1 again.
OUTCOMES = [
    outcome(0, 0, Place("images", 0, 0)),
    outcome(0, 2, Place("images", 0, 1)),
    outcome(0, 4, Place("images", 0, 1)),
    outcome(0, 6, Place("images", 0, 2)),
    outcome(1, 0, Place("images", 1, 0)),
    outcome(1, 2, Place("images", 1, 1)),
    outcome(1, 4, Place("requests", 1, 0)),
    outcome(1, 6, Place("images", 1, 2)),
]


def rows_of(outcomes: list[Outcome]) -> list[Row]:
    newest = {outcome.image_id: outcome for outcome in outcomes}
    return [Row(o.image_id, "m", o.partition, o.offset, o.answer, o.attempt) for o in newest.values()]


def right() -> Evidence:
    states = {name: answer_of(number).state for name, number in PICTURES.items()}
    return Evidence(
        acked={name: number for name, number in PICTURES.items() if name != "p5"},
        tried={**PICTURES, "p9": 9},
        events=EVENTS,
        outcomes=OUTCOMES,
        rows=rows_of(OUTCOMES),
        states=states,
        answer_of=answer_of,
        id_of=id_of,
        request_ids=["r"],
        resets=[RESET],
        recorded={0: 8, 1: 8},
        samples=[Sample(3, 4, 1, 1, 1, 1), Sample(5, 6, 0, 0, 5, 1)],
        last=Sample(5, 6, 0, 0, 5, 1),
        lag={"detector": 0, "sink": 0},
    )


def without_outcome(number: int) -> Evidence:
    return replace(right(), outcomes=[*OUTCOMES[:number], *OUTCOMES[number + 1 :]])


def with_outcomes(*more: Outcome) -> Evidence:
    outcomes = [*OUTCOMES, *more]
    return replace(right(), outcomes=outcomes, rows=rows_of(outcomes), recorded={0: 20, 1: 20})


def with_row(number: int, **changed: object) -> Evidence:
    rows = rows_of(OUTCOMES)
    rows[number] = rows[number]._replace(**changed)  # type: ignore[arg-type]
    return replace(right(), rows=rows)


def with_last_outcome(**changed: object) -> Evidence:
    changed_one = OUTCOMES[-1]._replace(**changed)  # type: ignore[arg-type]
    outcomes = [*OUTCOMES[:-1], changed_one]
    return replace(right(), outcomes=outcomes, rows=rows_of(outcomes))


PLANTED: dict[str, tuple[str, Callable[[], Evidence]]] = {
    "an acknowledged event is not in the log": (
        "lost-write",
        lambda: replace(right(), acked={**PICTURES, "p9": 9}),
    ),
    "an acknowledged picture has no result": ("lost-write", lambda: replace(right(), rows=rows_of(OUTCOMES)[1:])),
    "an acknowledged picture has no row": (
        "lost-write",
        lambda: replace(right(), states={k: v for k, v in right().states.items() if k != "p1"}),
    ),
    "an event that nobody sent": (
        "unseen",
        lambda: replace(right(), events={**EVENTS, Place("images", 1, 3): "x"}),
    ),
    "a picture that nobody sent": ("unseen", lambda: replace(right(), states={**right().states, "x": "completed"})),
    "two results of one picture and model": (
        "double-row",
        lambda: replace(right(), rows=[*rows_of(OUTCOMES), rows_of(OUTCOMES)[0]]),
    ),
    "a result under another model's id": (
        "double-row",
        lambda: replace(right(), rows=[*rows_of(OUTCOMES), rows_of(OUTCOMES)[0]._replace(model_id="n")]),
    ),
    "a request sent twice": ("asked-twice", lambda: replace(right(), request_ids=["r", "r"])),
    "an event without an outcome": ("int-poll-skip", lambda: without_outcome(1)),
    "the last event without an outcome": ("int-poll-skip", lambda: without_outcome(7)),
    "a whole pass is missing": ("int-poll-skip", lambda: replace(right(), resets=[RESET, Reset("images", 1, 3, 0)])),
    "the same outcome again": ("duplicate", lambda: with_outcomes(outcome(1, 8, Place("images", 1, 2)))),
    "an older event answered again": ("nonmonotonic", lambda: with_outcomes(outcome(1, 8, Place("images", 1, 0)))),
    "a pass that nobody asked for": ("duplicate", lambda: replace(right(), resets=[])),
    "a picture still pending": ("no-state", lambda: replace(right(), states={**right().states, "p1": "pending"})),
    "an outcome with boxes of another picture": ("wrong-content", lambda: with_last_outcome(answer=answer_of(3))),
    "a row with boxes of another picture": ("wrong-content", lambda: with_row(1, answer=answer_of(5))),
    "a failure of a picture without a fault": ("wrong-content", lambda: with_row(1, answer=Answer("failed"))),
    "an outcome that answers another picture's event": (
        "wrong-content",
        lambda: with_last_outcome(image_id="p3", answer=answer_of(3)),
    ),
    "an outcome with an id of its own": ("random-id", lambda: with_last_outcome(id="another")),
    "a row behind the sink's position": (
        "inconsistent-offsets",
        lambda: replace(right(), rows=rows_of(OUTCOMES[:3] + OUTCOMES[4:6]) + rows_of(OUTCOMES)[-3:-1]),
    ),
    "a row of an aborted outcome": ("G1a", lambda: with_row(0, offset=1)),
    "a row of another attempt": ("G1a", lambda: with_row(0, attempt="b0")),
    "a group that stands still": ("stuck", lambda: replace(right(), lag={"detector": 3})),
    "a transaction left open": ("open-transaction", lambda: replace(right(), open_transactions=["detections 0"])),
    "a status that does not add up": (
        "dishonest-status",
        lambda: replace(right(), samples=[Sample(1, 4, 1, 1, 1, 0)]),
    ),
    "a status that knows less than was acknowledged": (
        "dishonest-status",
        lambda: replace(right(), samples=[Sample(5, 4, 1, 1, 1, 1)]),
    ),
    "a status that forgets": (
        "dishonest-status",
        lambda: replace(right(), samples=[Sample(1, 6, 3, 1, 1, 1), Sample(1, 5, 2, 1, 1, 1)]),
    ),
    "a status that is not done when all is": (
        "dishonest-status",
        lambda: replace(right(), last=Sample(5, 6, 1, 0, 4, 1)),
    ),
    "a part that broke": ("broken", lambda: replace(right(), broken=["d1: a fault of the program"])),
}


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert check(right()) == []


def test_what_is_not_known_may_be_there_or_not() -> None:
    """p5 was sent and never acknowledged, p9 was never even there."""
    assert check(replace(right(), tried={**right().tried, "p10": 10})) == []
    gone = {place: name for place, name in EVENTS.items() if name != "p5"}
    outcomes = [outcome for outcome in OUTCOMES if outcome.image_id != "p5"]
    states = {name: state for name, state in right().states.items() if name != "p5"}
    last = Sample(5, 5, 0, 0, 4, 1)
    samples = [last]
    without = replace(right(), events=gone, outcomes=outcomes, rows=rows_of(outcomes), states=states, samples=samples)
    assert check(replace(without, last=last)) == []


def test_a_reset_while_nothing_was_answered_is_a_pass_too() -> None:
    twice = [RESET, Reset("images", 0, 1, 1)]
    assert check(replace(right(), resets=twice)) == []


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_and_named(name: str) -> None:
    kind, evidence = PLANTED[name]
    assert kind in {violation.kind for violation in check(evidence())}


def test_every_kind_is_planted() -> None:
    assert {kind for kind, _ in PLANTED.values()} == set(KINDS)


def test_it_counts_what_is_lost_and_what_is_twice() -> None:
    violations = check(replace(right(), acked={**PICTURES, "p9": 9}, request_ids=["r", "r"]))
    assert counted(violations, LOST) == 3, "not in the log, no row, no result"
    assert counted(violations, TWICE) == 1
