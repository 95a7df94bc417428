"""Every call of the API with what its description allows and what it does not: no answer is a 5xx, no row changes.

Schemathesis makes the calls from /openapi.json, by a fixed seed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error

from api.app import create_app
from api.deps import open_deps
from cli.uploading import FolderUploads
from tests.api.serving import serving
from tests.api.world import World, open_world
from thumper.clock import SystemClock
from thumper.settings import Settings
from thumper.store import Store

pytestmark = pytest.mark.integration
EXAMPLES = 6
# It looks at one call after the other; both kinds of wrong values.
CONFIG = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Answers while Kafka is asked may be late on a busy machine, which is a 503 with words, and no fault of the call.
BUSY = ("Kafka does not answer", "the sink has not recorded")


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    Store(settings).open_or_create()
    with open_world(settings) as found:
        found.activate_model()
        found.add_pictures(20)
        found.record()
        found.detect()
        found.record()
        yield found


@pytest.fixture
def client(world: World, settings: Settings) -> Iterator[httpx.Client]:
    uploads = FolderUploads(settings, SystemClock())
    with world.sinking(), open_deps(settings, uploads) as deps, serving(create_app(deps)) as found:
        yield found


def rows(client: httpx.Client) -> dict[str, Any]:
    """The pictures that there are, whatever was asked for."""
    return {key: client.get("/api/processing/status").json()[key] for key in ("total", "failed")}


def test_no_call_breaks_the_server_or_changes_rows(client: httpx.Client) -> None:
    before = rows(client)
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    called = Counter[str]()
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        for mode in schemathesis.GenerationMode:
            called[operation.label] += probe(operation, mode, client)
    paths = client.get("/openapi.json").json()["paths"]
    assert set(called) == {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}
    assert min(called.values()) > 0, called
    assert rows(client) == before


def probe(operation: Any, mode: schemathesis.GenerationMode, client: httpx.Client) -> int:
    """How many calls of `operation` were made, with right values or with wrong ones."""
    made = 0

    @CONFIG
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        nonlocal made
        made += 1
        answer = case.call(base_url=str(client.base_url), timeout=60)
        if answer.status_code != 503 or not any(words in answer.text for words in BUSY):
            case.validate_response(answer, checks=[not_a_server_error])

    # What takes no values has no wrong ones.
    with suppress(Unsatisfiable):
        call()
    return made
