"""api/replay_answers.py: the word for what became of a replay."""

from typing import Any

import pytest

from api.replay_answers import told_replay
from tests.thumper.replay.test_book import replay


@pytest.mark.parametrize(
    ("state", "left", "word"),
    [
        pytest.param("placed", 5, "under way", id="on its way"),
        pytest.param("placed", 0, "done", id="at its end"),
        pytest.param("begun", 5, "under way", id="killed after the offsets were set"),
        pytest.param("begun", 0, "begun", id="broken off, and nobody knows that anything was moved"),
        pytest.param("refused", 0, "refused", id="refused"),
        pytest.param("undone", 0, "undone", id="undone"),
    ],
)
def test_a_replay_is_called_done_only_if_it_was_placed(state: Any, left: int, word: str) -> None:
    found = told_replay(replay("one", state), left)
    assert (found.state, found.left, found.events) == (word, left, 9)
