"""A part that is asked to end before it has a loop to stop: it ends all the same, in order."""

from collections.abc import Callable, Sequence

import pytest

from cli.wiring import Brain, Makers, before_apps, run_detector, run_sink
from processors.detector.backends.fixed import FixedDetector, description
from thumper.settings import Settings
from thumper.source import KafkaSource

pytestmark = pytest.mark.integration


class Signal:
    """Stands for SIGTERM: tells whoever was the last to register. `source` makes a source and then sends it."""

    def __init__(self) -> None:
        self._stop: Callable[[], None] = lambda: None

    def until(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def source(self, settings: Settings, group: str, topics: Sequence[str]) -> KafkaSource:
        made = KafkaSource(settings, group, topics)
        self._stop()
        return made


def test_while_it_is_being_composed(settings: Settings) -> None:
    """What is asked for between the broker's first answer and the loop must not be lost: it would run for ever."""
    before_apps(settings)
    signal = Signal()
    brain = Brain(description(), FixedDetector())
    run_detector(settings, "d1", signal.until, lambda _: brain, Makers(source=signal.source))
    run_sink(settings, "s1", signal.until, Makers(source=signal.source))
