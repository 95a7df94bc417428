"""Requests beside a long import: neither waits for all of the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.wiring import before_apps
from schemas.request import ProcessingRequested
from tests.faults.synthetic import emit_images
from tests.processes import Processes, eventually
from thumper.emitter import Emitter
from thumper.settings import Settings
from thumper.turns import TURN_RECORDS

pytestmark = [pytest.mark.integration, pytest.mark.slow]
IMAGES, REQUESTS = 1_200, 200
# In hand of the detector when it learns of the other topic's work, besides the turn that is running.
IN_HAND = 60


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


def request(settings: Settings, count: int) -> None:
    with Emitter(settings) as emitter:
        for number in range(count):
            sha256 = f"{number:064x}"
            emitter.emit("requests", ProcessingRequested(sha256=sha256, uri=f"store:///{sha256[:2]}/{sha256}"))
        emitter.flush()


def test_while_both_have_work_each_has_at_least_a_quarter(parts: Processes) -> None:
    emit_images(parts.settings, IMAGES)
    parts.null_detector("d1", 0.02, "--unread").wait_ready()
    eventually(lambda: bool(parts.outcomes()), "the detector is at work")
    request(parts.settings, REQUESTS)
    eventually(lambda: parts.lag("detector") == 0, "all is done")
    # By time, over all partitions: outcomes carry when they were made.
    order = [outcome.origin.topic for outcome in sorted(parts.outcomes(), key=lambda one: str(one.time))]
    assert order.count("images") == IMAGES
    assert order.count("requests") == REQUESTS
    first, last = order.index("requests"), IMAGES + REQUESTS - order[::-1].index("requests")
    between = order[first:last]
    assert len(between) < IMAGES + REQUESTS - 2 * IN_HAND, "the requests waited for all images"
    assert between.count("images") >= REQUESTS // 4, "the images waited for all requests"
    assert between.count("images") <= 3 * REQUESTS + TURN_RECORDS + IN_HAND, "the requests had less than a quarter"
