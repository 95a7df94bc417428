"""api/dashboard/replay.py, replay_form.py and lag.py: pieces of their pages, from answers of the API."""

import re
from datetime import UTC, datetime

import pytest

from api.dashboard.lag import status
from api.dashboard.replay import earlier, under_way
from api.dashboard.replay_form import WORD, choices, plan
from api.replay_answers import ReplayAnswer
from api.responses import FullStatus, GroupLagWord, GroupPosition
from cli.replay import WORD as TERMINALS

HOSTILE = "<script>alert(1)</script>"
BEGUN = datetime(2026, 11, 24, 4, 0, 5, tzinfo=UTC)
NOW = FullStatus(
    total=1_000,
    pending=250,
    processing=0,
    completed=750,
    failed=0,
    location_id=None,
    completion_rate=75.0,
    state="Replaying",
    unregistered=0,
    lag=250,
    locations=[],
)


def replay(state: str, left: int, wish: str = "to the earliest event", by: str | None = "thumper api") -> ReplayAnswer:
    return ReplayAnswer(
        replay_id="replay-20261124-040005-3f2a",
        state=state,
        wish=wish,
        events=1_000,
        left=left,
        begun_at=BEGUN,
        replayed_by=by,
        moves=[],
    )


def test_only_what_belongs_to_the_chosen_way_is_shown_and_sent() -> None:
    html = choices([], ["doe"], [0, 1])
    groups = dict(re.findall(r'<fieldset data-for="([^"]+)"([^>]*)>', html))
    assert groups == {
        "since": " hidden disabled",
        "last": " hidden disabled",
        "all since last": "",
        "pictures": " hidden disabled",
    }
    assert re.findall(r'value="(\w+)" checked', html) == ["all"]
    assert html.count("only partition") == 2


def test_what_strangers_have_named_stays_words() -> None:
    pieces = choices([('"x', HOSTILE)], [HOSTILE], [0]), earlier([replay("done", 0, HOSTILE, HOSTILE)])
    for html in (*pieces, under_way(NOW, [replay("under way", 1, HOSTILE)], 0.0)):
        assert HOSTILE not in html
        assert "&lt;script&gt;" in html


def test_the_plan_is_hidden_until_there_is_one_and_wants_the_terminals_word() -> None:
    html = plan()
    assert html.endswith("</section>")
    assert " hidden>" in html.partition("<h2")[0]
    assert f'pattern="{WORD}"' in html
    assert WORD == TERMINALS
    said = re.findall(r'data-say="(\w+)"', html)
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("per_minute", "said"),
    [pytest.param(500.0, "30 s", id="at work"), pytest.param(0.0, "nobody works yet", id="nobody")],
)
def test_a_replay_under_way_says_how_far_it_is_and_can_be_undone(per_minute: float, said: str) -> None:
    html = under_way(NOW, [replay("under way", 250), replay("done", 0)], per_minute)
    assert "750 of 1,000 events done again, 250 left" in html
    assert said in html
    assert "Replaying" in html
    assert html.count('data-post="/api/replay/undo?') == 1


def test_without_one_there_is_nothing_to_undo() -> None:
    html = under_way(NOW, [replay("undone", 0)], 0.0)
    assert "No replay in place is under way" in html
    assert "undo" not in html


def test_the_newest_replays_are_listed() -> None:
    html = earlier([replay("done", 0, by=None)] * 101)
    assert html.count("<tr>") == 101
    assert "the newest 100 of 101" in html
    assert "24 Nov 2026, 04:00:05 UTC" in html
    assert "None was ever begun" in earlier([])


@pytest.mark.parametrize(
    ("word", "complete", "said"),
    [
        ("OK", 1.0, "keeps up"),
        ("OK", 0.4, "after 5 min of watching; 40 % of it"),
        ("WARN", 1.0, "has not fallen"),
        ("ERR", 1.0, "none was taken"),
        ("NOTFOUND", 0.2, "never committed"),
    ],
)
def test_a_groups_word_is_explained(word: GroupLagWord, complete: float, said: str) -> None:
    html = status(GroupPosition(group="detector", lag=5, status=word, complete=complete, partitions=[]))
    assert html is not None
    assert f">{word}<" in html
    assert said in html


def test_no_word_where_nobody_watches() -> None:
    assert status(GroupPosition(group="detector", lag=5, partitions=[])) is None
