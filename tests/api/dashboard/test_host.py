"""api/dashboard/host.py: which addresses are the pages'."""

from typing import Any

import pytest
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from api.dashboard.host import _Pages


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Is never called."""


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        pytest.param("/pictures", True, id="a page"),
        pytest.param("/", True, id="the first page"),
        pytest.param("/_nicegui/a/b.js", True, id="what pages load"),
        pytest.param("/api/images", False, id="the API"),
        pytest.param("*", False, id="OPTIONS of the server as a whole"),
        pytest.param("pictures", False, id="no path"),
    ],
)
def test_the_pages_take_their_own_addresses_only(path: str, taken: bool) -> None:
    scope: dict[str, Any] = {"type": "http", "method": "OPTIONS", "path": path, "headers": []}
    assert (_Pages(nothing).matches(scope)[0] is not Match.NONE) is taken
