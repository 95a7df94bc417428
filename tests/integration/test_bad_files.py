"""The worst card there is, the whole way: each file gets its words, and everything else goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.wiring import before_apps
from tests.integration.unprivileged import NOT_POSSIBLE
from tests.processes import PATIENCE_S, Part, Processes, eventually
from tests.producers.bad_card import OUTCOMES, REFUSED, bad_card, opened
from tests.producers.pictures import jpeg
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
LOST: dict[str, tuple[str, str] | None] = {
    "Hayfield/lost.jpg": ("missing", "the picture's file is not there"),
    "Hayfield/changed.jpg": ("integrity", "the file was changed or damaged"),
}
SHOWN = """
SELECT i.path, r.state, r.error_class, r.error_message
FROM image i JOIN result r USING (image_id) JOIN active_model USING (model_id)
"""


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


@pytest.fixture
def worst(tmp_path: Path) -> Iterator[Path]:
    folder = bad_card(tmp_path / "card")
    for number, path in enumerate(LOST):
        (folder / path).write_bytes(jpeg(80 + number))
    yield folder
    opened(folder)


def imported(parts: Processes, *words: str) -> Part:
    """`thumper import` at its end, for somebody to whom rights mean something."""
    part = parts.start("import", *words, program="tests.integration.unprivileged")
    if part.process.wait(PATIENCE_S) == NOT_POSSIBLE:
        pytest.skip("root cannot give its rights away here")
    assert "Traceback" not in part.log, part.log
    return part


def lose_in_the_store(parts: Processes) -> None:
    """The first of LOST vanishes and the second is changed, after they were imported."""
    eventually(lambda: parts.lag("sink") == 0, "everything is recorded")
    known = dict(parts.sql("SELECT path, sha256 FROM image"))
    gone, changed = (next(parts.settings.data_dir.glob(f"store/*/{known[path]}.*")) for path in LOST)
    gone.unlink()
    changed.write_bytes(bytes(changed.stat().st_size))


def outcomes(parts: Processes) -> dict[str, tuple[str, str] | None]:
    """By path: error class and message, None where it was looked at."""
    return {path: None if state == 1 else (name, words) for path, state, name, words in parts.sql(SHOWN)}


def test_each_bad_file_gets_its_words_and_all_else_goes_on(parts: Processes, worst: Path) -> None:
    sink = parts.sink().wait_ready()
    closed = imported(parts, "card/Closed")
    assert closed.process.returncode == 2
    assert "no rights to read the folder card/Closed" in closed.log

    done = imported(parts, "card", "--json")
    told: dict[str, Any] = json.loads(next(line for line in done.log.splitlines() if line.startswith("{")))
    assert (done.process.returncode, told["exit_code"]) == (1, 1)
    assert {Path(one["path"]).name: one["reason"] for one in told["complaints"]} == REFUSED
    assert (told["imported"], told["unreadable"]) == (len(OUTCOMES | LOST), len(REFUSED))
    assert (told["skipped"]["repeated_folders"], told["skipped"]["other_files"]) == (1, 1)

    lose_in_the_store(parts)
    detector = parts.start("detector", "--name", "d1").wait_ready()
    parts.wait_drained()
    check_outcomes(outcomes(parts), OUTCOMES | LOST)
    assert parts.sql("SELECT count(captured_at) FROM image") == [(0,)], "broken EXIF and the year 0000 are no times"
    assert "Traceback" not in detector.log + sink.log
    assert [part.stop() for part in (detector, sink)] == [0, 0]
    check_status(parts)


def check_outcomes(found: dict[str, tuple[str, str] | None], wanted: dict[str, tuple[str, str] | None]) -> None:
    assert found.keys() == wanted.keys()
    for path, expected in wanted.items():
        outcome = found[path]
        assert (outcome and outcome[0]) == (expected and expected[0]), (path, outcome)
        assert expected is None or (outcome and expected[1] in outcome[1]), (path, outcome)


def check_status(parts: Processes) -> None:
    status = parts.status()
    wanted = OUTCOMES | LOST
    failed = sum(outcome is not None for outcome in wanted.values())
    assert [status[name] for name in ("total", "pending", "processing", "completed", "failed", "lag")] == [
        *(len(wanted), 0, 0, len(wanted) - failed, failed, 0)
    ]
    assert [place["name"] for place in status["locations"]] == ["Hayfield", "\\xffcam\\x0a"]
    unknown = parts.run("status", "--location", "Nowhere")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.splitlines() == [
        "thumper: no location is called 'Nowhere'",
        "         known: Hayfield, \\xffcam\\x0a",
    ]
