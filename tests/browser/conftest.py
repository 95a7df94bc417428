"""One running system for all tests of this folder, and a real Chromium that may ask nobody else."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cli.wiring import before_apps
from models.scenes import write_card
from tests.conftest import settings_of
from tests.processes import Processes, eventually, free_port
from thumper.embedded import postgres
from thumper.embedded.state import StackState
from thumper.kafka import Names, make_producer
from thumper.record import Partition

# A folder's name becomes a location's: whoever holds the card may write into the page what he likes.
HOSTILE = "<img src=x onerror=window.hit=1>"
SCENES, SMALL = 6, 60
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)
            if "page" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def system(stack_state: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Sink, detector and API at work; pictures imported, one of them cut off; one message that nobody can read."""
    folder, name = tmp_path_factory.mktemp("system"), f"test_{uuid4().hex[:12]}"
    url = postgres.create_database(stack_state, name)
    settings = settings_of(stack_state.kafka_bootstrap, url, f"t{uuid4().hex[:10]}.", folder)
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), folder) as found:
        found.sink()
        found.start("detector", "--name", "d1")
        found.api()
        _fill(found, folder / "card")
        yield found
    postgres.drop_database(stack_state, name)


def _fill(system: Processes, card: Path) -> None:
    write_card(card, ("Hayfield",), SCENES, seed=7)
    small_pictures(card / HOSTILE, SMALL)
    (card / "Cut").mkdir()
    whole = next((card / "Hayfield").rglob("*.JPG"))
    (card / "Cut" / "CUT.JPG").write_bytes(whole.read_bytes()[:5_000])
    places = card.parent / "places.csv"
    places.write_text("name,latitude,longitude\nHayfield,29.8,-97.3\nCut,29.81,-97.31\n")
    producer = make_producer(system.settings)
    producer.produce(Names(system.settings).topic("images"), value=b"<script>window.hit=1</script>", partition=0)
    assert producer.flush(30) == 0
    assert system.run("import", str(card), "--locations", str(places)).returncode == 0
    system.wait_drained()
    eventually(lambda: system.ends("dead-letters")[Partition("dead-letters", 0)] > 0, "the letter is dead")


def small_pictures(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Pictures of one colour each, a minute apart by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(first, first + count):
        paths.append(folder / f"20260101_{number // 60 % 24:02}{number % 60:02}00_{number}.png")
        Image.new("RGB", (64, 48), (number % 256, number // 256, 90)).save(paths[-1])
    return paths


@pytest.fixture(scope="session")
def address(system: Processes) -> str:
    """Of the API."""
    return f"http://127.0.0.1:{system.settings.api_port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from CHROMIUM or from the PATH. Playwright's event loop runs in this thread until it is closed."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("no Chromium is there: apt-get install chromium, or set CHROMIUM=path")
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that knows nothing yet."""
    found = browser.new_context(viewport={"width": 1_280, "height": 900})
    found.set_default_timeout(60_000)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. Fails if a page breaks, or asks anybody but this machine."""
    wrong: list[str] = []
    found = context.new_page()
    found.on("pageerror", lambda error: wrong.append(str(error)))
    local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
    found.on("request", lambda asked: None if asked.url.startswith(local) else wrong.append(asked.url))
    yield found
    assert found.evaluate("window.hit") is None, "what a stranger wrote was run"
    assert wrong == []
