"""A detector whose weights are none ends with words, and disturbs nobody: not the others, nor what they have found."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.wiring import before_apps
from tests.processes import Processes, eventually, free_port, read_all
from tests.producers.pictures import card
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def letter_with_card(folder: Path) -> str:
    """A text called .onnx whose card says all that is asked before it is loaded."""
    (folder / "letter.onnx").write_text("Dear ranch, no model here.\n")
    (folder / "letter.json").write_text(json.dumps({"classes": ["deer"], "input_px": 320}))
    return str(folder / "letter.onnx")


def facts(parts: Processes) -> list[str]:
    return sorted(json.loads(value)["type"] for value in read_all(parts.settings, "facts"))


def shown(parts: Processes) -> list[Any]:
    """What people see: the active model, and how far the work is under it."""
    numbers = {name: parts.get("/api/status")[name] for name in ("total", "pending", "completed", "failed", "lag")}
    return [[model["name"] for model in parts.get("/api/models") if model["active"]], numbers]


def test_weights_that_are_none_leave_the_model_in_use_and_its_results(parts: Processes, tmp_path: Path) -> None:
    parts.sink().wait_ready()
    good = parts.start("detector", "--name", "good").wait_ready()
    parts.api()
    assert parts.run("import", str(card(tmp_path / "first", Hayfield=5))).returncode == 0
    parts.wait_drained()
    before = shown(parts)
    assert before == [["thumper-demo"], {"total": 5, "pending": 0, "completed": 5, "failed": 0, "lag": 0}]

    bad = parts.run("detector", "--name", "bad", "--weights", letter_with_card(tmp_path))
    assert bad.returncode == 2
    assert "letter.onnx is not an ONNX model, or is damaged" in bad.stderr
    assert "export or copy it again" in bad.stderr
    assert "Traceback" not in bad.stderr + bad.stdout
    assert facts(parts) == ["model.activated", "model.added"], "those of the good one"
    parts.wait_drained()
    assert shown(parts) == before

    assert good.process.poll() is None
    more = card(tmp_path / "more", Hayfield=5, Sanctuary=4)
    assert parts.run("import", str(more)).returncode == 0
    parts.wait_drained()
    eventually(lambda: shown(parts)[1]["completed"] == 9, "the good one goes on")
