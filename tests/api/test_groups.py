"""api/routes/groups.py: telling a group what to do does not wait for those who queue pictures."""

from pathlib import Path

from api.app import create_app
from api.deps import open_deps
from tests.api.serving import serving
from tests.api.test_app import NOWHERE, problem
from thumper.settings import Settings


def test_a_group_is_told_while_somebody_queues(tmp_path: Path) -> None:
    with open_deps(Settings(data_dir=tmp_path, **NOWHERE)) as deps:
        app = create_app(deps)

        @app.post("/held")
        async def held() -> None:
            deps.queueing.acquire_on_behalf_of_nowait("somebody who queues for minutes")

        with serving(app) as client:
            assert client.post("/held").status_code == 200
            problem(client.post("/api/groups/nobody/pause", timeout=20), 404)
