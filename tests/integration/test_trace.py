"""`thumper trace` and /api/images/{id}/trace: one picture's story on a real log, from import to removal."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from api.app import create_app
from api.deps import open_deps
from schemas.fact import ImageRemoved
from schemas.image import image_id
from schemas.request import ProcessingRequested
from tests.api.serving import serving
from tests.api.world import World, open_world
from tests.cli.command import thumper
from thumper.embedded.apps import environment
from thumper.record import Outgoing
from thumper.settings import Settings

pytestmark = pytest.mark.integration
DATA = b"a doe at dawn"


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with open_world(settings) as found:
        found.activate_model()
        found.record()
        yield found


def test_a_pictures_story_at_each_stage(world: World, tmp_path: Path) -> None:
    file = tmp_path / "doe.jpg"
    file.write_bytes(DATA)
    with open_deps(world.settings) as deps, serving(create_app(deps)) as client:

        def now(picture: UUID) -> tuple[str, list[str]]:
            answer = client.get(f"/api/images/{picture}/trace")
            assert answer.status_code == 200, answer.text
            return answer.json()["where"], [one["what"] for one in answer.json()["steps"]]

        stranger = uuid4()
        assert now(stranger) == ("unknown", [])
        (picture,) = world.add_pictures(1, data=DATA)
        world.add_pictures(20, "Sanctuary")
        assert now(picture) == ("arriving", ["imported"])
        world.record()
        assert now(picture) == ("waiting", ["imported"])
        world.detect(failing=[picture])
        assert now(picture) == ("answered", ["imported", "failed"])
        world.record()
        assert now(picture) == ("failed", ["imported", "failed"])
        row = client.get(f"/api/images/{picture}/trace").json()
        world.emitter.emit("requests", ProcessingRequested(sha256=row["sha256"], uri="store:///a", reason="retry"))
        world.emitter.flush(10)
        world.record()
        assert now(picture) == ("waiting", ["imported", "failed", "requested"])
        world.detect()
        world.record()
        assert now(picture) == ("completed", ["imported", "failed", "requested", "completed"])
        _assert_command_tells_the_same(world.settings, tmp_path, file, picture, client)
        world.reset_detector()
        assert now(picture)[0] == "waiting"
        world.emitter.emit("facts", ImageRemoved(type="image.removed", image_id=picture, removed_by="Ann"))
        world.emitter.flush(10)
        world.record()
        assert now(picture) == ("removed", ["removed"])
        lost = image_id("f" * 64)
        world.emitter.send(Outgoing("dead-letters", b"", b'{"sha256": "%s", uri:' % (b"f" * 64)))
        world.emitter.flush(10)
        assert now(lost) == ("dead letter", ["dead letter"])


def _assert_command_tells_the_same(
    settings: Settings, folder: Path, file: Path, picture: UUID, client: httpx.Client
) -> None:
    given = {name.removeprefix("THUMPER_").lower(): value for name, value in environment(settings).items()}
    done = thumper(folder, "trace", str(file), "--json", **given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == client.get(f"/api/images/{picture}/trace").json()
    shown = thumper(folder, "trace", str(picture), **given)
    assert shown.returncode == 0, shown.stderr
    assert "now: completed." in shown.stdout
    assert "queue 0.0 ms, read 0.0 ms" in shown.stdout
    unknown = thumper(folder, "trace", str(uuid4()), **given)
    assert unknown.returncode == 1, unknown.stderr
    assert "never imported" in unknown.stdout
