"""The picture of results: a bar for each ratio, and nothing hidden."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from benchmarks.peers import ROOT
from benchmarks.plot import HELD, MISSED, NO_GOAL, svg
from benchmarks.report import Question, Row, answer, document, unmeasured

ASKED = Question("a_vs_b", "pictures/s", "the other one", 0.8)
ROWS = [
    answer(ASKED, [9.0, 10.0], [10.0, 10.0]),
    answer(replace(ASKED, name="c_vs_<d>"), [7.0], [10.0]),
    answer(Question("e_vs_f", "s", "f"), [30.0], [10.0]),
    unmeasured(replace(ASKED, name="g_vs_h"), "no torch"),
]


def drawn(rows: list[Row]) -> Xml.Element:
    return Xml.fromstring(svg(json.loads(document(rows, {}))["rows"], "2 cores"))  # noqa: S314 - our own


def each(picture: Xml.Element, kind: str) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in picture.iter(f"{{http://www.w3.org/2000/svg}}{kind}")]


def test_a_bar_is_as_long_as_its_ratio_and_says_whether_the_goal_holds() -> None:
    bars = each(drawn(ROWS), "rect")
    assert [bar["fill"] for bar in bars] == [HELD, MISSED, NO_GOAL]
    first, second, third = (float(bar["width"]) for bar in bars)
    assert second < first < third


def test_a_whisker_goes_from_the_lowest_round_to_the_highest_and_the_goal_is_marked() -> None:
    lines = each(drawn(ROWS[:1]), "line")
    whisker, goal = [line for line in lines if line.get("stroke-width") == "2"]
    assert float(whisker["x1"]) < float(whisker["x2"])
    assert float(goal["x1"]) < float(whisker["x1"]), "0.8 is below both rounds"


def test_every_row_is_named_and_names_are_only_words() -> None:
    said = "".join(drawn(ROWS).itertext())
    assert all(row.name in said for row in ROWS)
    assert "no ratio: g_vs_h" in said


def test_of_no_ratio_at_all_a_picture_says_so() -> None:
    assert each(drawn([ROWS[3]]), "rect") == []


@pytest.mark.parametrize("content", [pytest.param(None, id="not there"), pytest.param("{}", id="of something else")])
def test_results_that_are_none_are_named(content: str | None, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    if content is not None:
        results.write_text(content)
    words = (sys.executable, "-m", "benchmarks.plot", results, tmp_path / "out.svg")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "results.json cannot be drawn" in done.stderr
    assert "Traceback" not in done.stderr
