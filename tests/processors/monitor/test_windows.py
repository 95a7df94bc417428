"""What windows say, and that an outcome which is read twice counts once."""

from typing import Any

from processors.monitor.windows import Cell, Counted, Windows, count_once

NOW_S = 1_000_000 // 60 * 60 + 30.0
CELL = Cell(3, "detector", "m", "d1", "Gäte, \x1f 1", True)


def test_a_cell_survives_being_a_key() -> None:
    assert Cell.parse(CELL.text()) == CELL


def test_what_is_read_again_counts_once() -> None:
    value: tuple[int, int] | tuple[()] = ()
    for offset in (5, 7, 5, 7, 9, 9, 12):
        value = count_once(value, offset)
    assert value == (4, 12)


def test_windows_are_made_of_the_rows_of_the_last_hour() -> None:
    start_s = NOW_S // 60 * 60
    rows = [((CELL.text(), (start_s - ago_s, start_s - ago_s + 60)), [7, 12]) for ago_s in (0, 600, 3_600, 7_200)]
    found = Windows.of_rows(NOW_S, rows).counted
    assert found == (Counted(int(start_s), CELL, 7), Counted(int(start_s) - 600, CELL, 7))


def window(minutes_ago: int, pictures: int, **changed: Any) -> Counted:
    start_s = int(NOW_S // 60 * 60) - 60 * minutes_ago
    cell = Cell(0, "detector", "m", "d1", "Gate", False)._replace(**changed)
    return Counted(start_s, cell, pictures)


def test_a_rate_is_of_whole_minutes_and_of_one_group() -> None:
    counted = (window(0, 900), window(1, 100), window(2, 50), window(3, 7), window(1, 400, group="shadow.x"))
    assert Windows(NOW_S, counted).per_minute("detector", 2) == 75
    assert Windows(NOW_S, ()).per_minute("detector", 2) == 0


def test_shares_by_what_is_asked_for() -> None:
    counted = (
        window(0, 60),
        window(1, 30, failed=True, worker="d2"),
        window(1, 10, worker="d2", location="Creek", model="n"),
        window(50, 500, failed=True),
    )
    windows = Windows(NOW_S, counted)
    assert windows.share("detector", 10) == (30, 100)
    assert windows.share("detector", 10).failed_share == 0.3
    assert windows.by("worker", "detector", 10) == {"d1": (0, 60), "d2": (30, 40)}
    assert windows.by("location", "detector", 10) == {"Creek": (0, 10), "Gate": (30, 90)}
    assert windows.by("model", "detector", 10) == {"m": (30, 90), "n": (0, 10)}
    assert windows.worst("detector", 10) == "location Gate"
    assert Windows(NOW_S, ()).share("detector", 10).failed_share == 0.0
