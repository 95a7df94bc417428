"""A store that is away while parts start: nobody makes a new, empty one in its place."""

from pathlib import Path

import pytest

from cli.wiring import before_apps
from tests.faults.synthetic import emit_images
from tests.processes import Processes, eventually
from thumper.settings import Settings
from thumper.store import MARKER

pytestmark = pytest.mark.integration


def test_a_sink_that_starts_meanwhile_runs_and_makes_no_new_store(settings: Settings, tmp_path: Path) -> None:
    before_apps(settings)
    store = settings.data_dir / "store"
    with Processes(settings, tmp_path) as parts:
        sink = parts.sink().wait_ready()
        emit_images(settings, 3)
        eventually(lambda: parts.sql("SELECT count(*) FROM image") == [(3,)], "the pictures are known")
        assert sink.stop() == 0
        store.rename(tmp_path / "away")
        assert parts.sink().wait_ready().stop() == 0
        assert not store.exists()
        store.mkdir()
        assert parts.sink().wait_ready().stop() == 0
        assert list(store.iterdir()) == [], "an empty folder: its disk is not mounted"
        store.rmdir()
        (tmp_path / "away").rename(store)
        before_apps(settings)
        assert (store / MARKER.decode()).exists()
