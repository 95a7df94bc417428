"""cli/status.py: the terminal says what the API says."""

from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console, RenderableType

from api.responses import FullStatus, LocationNumbers
from cli.status import Rate, chosen, duration, summary, table
from thumper.errors import UserError


def shown(what: RenderableType) -> str:
    out = StringIO()
    Console(file=out, width=120).print(what)
    return out.getvalue()


@pytest.fixture
def found() -> FullStatus:
    numbers = {"total": 10, "pending": 4, "processing": 1, "completed": 3, "failed": 2, "completion_rate": 30.0}
    places = [
        LocationNumbers(**{**numbers, "total": 8, "pending": 2}, location_id=uuid4(), name="Hayfield"),
        LocationNumbers(
            total=1, pending=1, processing=0, completed=0, failed=0, completion_rate=0.0, location_id=None, name=None
        ),
    ]
    return FullStatus(**numbers, location_id=None, state="Active", unregistered=1, lag=7, locations=places)


def test_the_table_has_every_place_and_their_sum(found: FullStatus) -> None:
    lines = [line.split() for line in shown(table(found)).splitlines()]
    assert lines[0] == ["location", "total", "pending", "processing", "completed", "failed", "done"]
    assert lines[1] == ["Hayfield", "8", "2", "1", "3", "2", "30.0", "%"]
    assert lines[2][:4] == ["(no", "location)", "1", "1"]
    assert lines[3] == ["(arriving)", "1", "1"]
    assert lines[4] == ["all", "10", "4", "1", "3", "2", "30.0", "%"]


def test_one_place_by_name_or_id(found: FullStatus) -> None:
    place = found.locations[0]
    assert chosen(found, "Hayfield") is chosen(found, str(place.location_id)) is place
    assert len(shown(table(found, "Hayfield")).splitlines()) == 2


def test_an_unknown_place_names_the_known_ones(found: FullStatus) -> None:
    with pytest.raises(UserError, match="Nowhere") as raised:
        chosen(found, "Nowhere")
    assert "Hayfield" in raised.value.hint


def test_the_summary_has_state_lag_rate_and_time_left(found: FullStatus) -> None:
    rate = Rate()
    rate.add(0.0, 0)
    rate.add(30.0, 5)
    assert shown(summary(found, rate)).strip() == "Active · lag 7 · 10 pictures a minute · 30 s left"
    assert shown(summary(found, None)).strip() == "Active · lag 7"


def test_rate_forgets_what_is_older_than_a_minute() -> None:
    rate = Rate()
    for second, done in [(0, 0), (10, 1_000), (40, 1_000), (80, 1_010)]:
        rate.add(float(second), done)
    assert rate.per_minute() == pytest.approx(10 / 40 * 60)


def test_rate_starts_anew_after_a_reset() -> None:
    rate = Rate()
    for second, done in [(0, 500), (1, 0), (2, 10)]:
        rate.add(float(second), done)
    assert rate.per_minute() == pytest.approx(600)
    assert rate.left_s(100) == pytest.approx(10)


def test_no_time_left_is_guessed_when_nothing_moves() -> None:
    rate = Rate()
    rate.add(0.0, 5)
    assert (rate.per_minute(), rate.left_s(3)) == (0.0, None)


@pytest.mark.parametrize(
    ("seconds", "words"), [(8.2, "8 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7_500, "2 h 05 min")]
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
