"""api/dashboard/view.py: what an address asks for, understood or refused."""

from datetime import datetime
from typing import cast

import pytest

from api.dashboard.pictures import whole_day
from api.dashboard.view import Asked
from api.deps import Deps
from api.problems import Refusal


def until(text: str) -> datetime | None:
    return Asked(cast("Deps", None), {"until": text}).parsed("until", whole_day, "2026-11-04")


def test_a_day_is_meant_to_its_end() -> None:
    assert until("2026-11-04") == datetime(2026, 11, 5)
    assert until("") is None


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "9999-12-31"])
def test_what_is_no_day_is_refused_and_says_what_one_is_like(text: str) -> None:
    with pytest.raises(Refusal, match="until is not understood") as refused:
        until(text)
    assert (refused.value.status_code, refused.value.hint) == (422, "like 2026-11-04")
