"""What starts real processes here does something bad to them; the harness's own pure parts need no servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.wiring import before_apps
from tests.processes import Processes, free_port
from thumper.settings import Settings

PURE = {"test_checker.py", "test_schedule.py", "test_stub.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.name not in PURE:
            item.add_marker(pytest.mark.integration)
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    """Topics and tables, and processes on them; nothing runs yet."""
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found
