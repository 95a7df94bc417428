"""cli/demo_result.py: what counts as found, and what does not add up."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from api.responses import FullStatus
from cli.demo_result import Found, LocationRow, Result, found_of, iou
from schemas.image import image_id

SHA256 = "ab" * 32
BOX = (0.1, 0.1, 0.5, 0.5)
SHIFTED = (0.12, 0.1, 0.52, 0.5)
FAR = (0.6, 0.6, 0.9, 0.9)


def drawn(*animals: tuple[str, tuple[float, ...]]) -> dict[str, object]:
    boxes = [{"class_name": name, "box": list(box)} for name, box in animals]
    return {"Hayfield/IMG_0001.JPG": {"sha256": SHA256, "animals": boxes}}


def result(
    boxes: dict[UUID, list[Found]] | None = None,
    completed: int = 3,
    sql: tuple[int, int, int] = (4, 3, 1),
    lag: int = 0,
) -> Result:
    status = FullStatus(
        total=4,
        pending=3 - completed,
        processing=0,
        completed=completed,
        failed=1,
        completion_rate=75.0,
        location_id=None,
        state="Idle",
        unregistered=0,
        lag=0,
        locations=[],
    )
    return Result(status, [LocationRow("Hayfield", *sql, 2)], boxes or {}, lag)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        pytest.param(BOX, BOX, 1.0, id="the same"),
        pytest.param(BOX, FAR, 0.0, id="apart"),
        pytest.param(BOX, (0.1, 0.1, 0.5, 0.3), 0.5, id="half"),
        pytest.param((0.2, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2), 0.0, id="both empty"),
    ],
)
def test_overlap(one: tuple[float, ...], other: tuple[float, ...], wanted: float) -> None:
    assert iou(one, other) == pytest.approx(wanted)  # type: ignore[arg-type]
    assert iou(other, one) == pytest.approx(wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("boxes", "wanted"),
    [
        pytest.param([Found("doe", SHIFTED)], 1, id="found"),
        pytest.param([Found("buck", BOX)], 0, id="another class"),
        pytest.param([Found("doe", FAR)], 0, id="another place"),
        pytest.param([], 0, id="missed"),
    ],
)
def test_an_animal_is_found_by_a_box_of_its_class_at_its_place(boxes: list[Found], wanted: int) -> None:
    assert found_of(drawn(("doe", BOX)), {image_id(SHA256): boxes}) == (1, wanted)


def test_one_box_finds_one_animal() -> None:
    pair = drawn(("doe", BOX), ("doe", SHIFTED))
    assert found_of(pair, {image_id(SHA256): [Found("doe", BOX)]}) == (2, 1)
    assert found_of(pair, {image_id(SHA256): [Found("doe", BOX), Found("doe", SHIFTED)]}) == (2, 2)


def test_the_line_of_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(drawn(("doe", BOX), ("pig", FAR))))
    shown = result({image_id(SHA256): [Found("doe", BOX), Found("doe", FAR)]})
    assert shown.truth_line(truth) == "Found 1 of the 2 animals that were drawn (50%), and 1 more boxes"


def test_what_adds_up_is_not_spoken_of() -> None:
    assert result().disagreements() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(result(sql=(5, 4, 1)), "API and SQL differ", id="another count in SQL"),
        pytest.param(result(completed=2, sql=(4, 2, 1)), "1 pictures are not accounted for", id="one is open"),
        pytest.param(result(lag=2), "lag is 2, not 0", id="lag"),
    ],
)
def test_what_does_not_add_up_is_named(wrong: Result, words: str) -> None:
    assert [words in line for line in wrong.disagreements()] == [True]
