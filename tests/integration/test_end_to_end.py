"""The whole way of a picture, by real processes: imported, detected, recorded, counted alike wherever one asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.wiring import before_apps
from models.scenes import write_card
from tests.processes import Processes, assert_each_once, free_port
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
NUMBERS = ("total", "pending", "processing", "completed", "failed")
PICTURES = 24


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def test_every_picture_is_accounted_for_and_every_count_is_the_same(parts: Processes, tmp_path: Path) -> None:
    write_card(tmp_path / "card", ("Hayfield", "270_Jason"), PICTURES, seed=5)
    sink = parts.sink()
    detector = parts.start("detector", "--name", "detector-1")
    sink.wait_ready()
    done = parts.run("import", str(tmp_path / "card"))
    assert done.returncode == 0, done.stderr
    for words in (
        f"[INFO] Found {PICTURES} total images in directory",
        "[INFO] Already have 0 images in database",
        "[OK] Copied images for Hayfield",
        "[OK] Copied images for 270_Jason",
        f"[OK] Total new imports: {PICTURES}",
    ):
        assert words in done.stdout
    detector.wait_ready()
    parts.wait_drained()

    api = parts.api()
    by_http = parts.get("/api/processing/status")
    by_terminal = parts.status()
    assert [by_http[name] for name in NUMBERS] == [PICTURES, 0, 0, PICTURES, 0]
    assert [by_terminal[name] for name in NUMBERS] == [PICTURES, 0, 0, PICTURES, 0]
    assert (by_terminal["lag"], by_terminal["state"]) == (0, "Idle")
    assert parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1") == [("completed", PICTURES)]
    assert parts.sql(
        "SELECT l.name, count(*) FROM images i JOIN locations l ON l.id = i.location_id GROUP BY 1 ORDER BY 1"
    ) == [
        ("270_Jason", PICTURES // 2),
        ("Hayfield", PICTURES // 2),
    ]
    assert {place["name"]: place["completed"] for place in by_terminal["locations"]} == {
        "270_Jason": PICTURES // 2,
        "Hayfield": PICTURES // 2,
    }
    assert_each_once(parts.outcomes(), parts.ends("images"))
    assert detector.log.count('"Detection complete"') == PICTURES

    again = parts.run("import", str(tmp_path / "card"))
    assert again.returncode == 0, again.stderr
    assert f"[INFO] Already have {PICTURES} images in database" in again.stdout
    assert "[OK] Total new imports: 0" in again.stdout
    assert [part.stop() for part in (detector, api, sink)] == [0, 0, 0]
