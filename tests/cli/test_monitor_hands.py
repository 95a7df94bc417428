"""When waiting pictures are planned, and when they are a fault."""

import pytest

from api.look import Look
from api.status import Numbers, State, Status
from cli.monitor_hands import work_of
from schemas.control import GroupWanted


def look(state: State) -> Look:
    return Look(None, True, Status(Numbers(9, 5, 0, 3, 1), {}, state, 0, 0, 5, None))


@pytest.mark.parametrize(
    ("state", "wanted", "planned"),
    [
        pytest.param("Active", None, False, id="nobody has decided"),
        pytest.param("Paused", None, False, id="all detectors wait for something that is away"),
        pytest.param("Paused", "running", False, id="the same, after somebody has resumed"),
        pytest.param("Paused", "paused", True, id="somebody has paused"),
        pytest.param("Active", "draining", True, id="somebody drains"),
        pytest.param("Replaying", "running", True, id="a replay"),
    ],
)
def test_only_what_somebody_wanted_is_planned(state: State, wanted: str | None, planned: bool) -> None:
    decided = None if wanted is None else GroupWanted.model_validate({"group": "detector", "state": wanted})
    work = work_of(look(state), decided)
    assert work is not None
    assert (work.pending, work.failed, work.planned) == (5, 1, planned)


def test_what_is_not_known_is_not_guessed() -> None:
    assert work_of(Look(None, False, None), None) is None
