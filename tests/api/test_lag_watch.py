"""api/lag_watch.py: readings are added while the broker answers, and none while it does not."""

from collections.abc import Sequence

import pytest

from api.lag_watch import LagWatch, look_once
from api.lag_words import Windows
from tests.api.test_look import ListedLog
from tests.processes import eventually
from thumper.errors import KafkaDown
from thumper.lag import GroupLag


def complete(windows: Windows) -> float:
    return windows.judge(ListedLog().read("sink", ())).complete


def test_one_look_adds_a_reading_of_each_group_even_if_members_are_not_told() -> None:
    windows = Windows(size=2)
    look_once(ListedLog(), windows)
    assert complete(windows) == 0.5
    look_once(ListedLog("members"), windows)
    assert complete(windows) == 1.0
    with pytest.raises(KafkaDown):
        look_once(ListedLog("read"), windows)


class ComingBack(ListedLog):
    """Fails the first three times."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.calls = 0
        self._error = error

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        self.calls += 1
        if self.calls <= 3:
            raise self._error
        return super().read(group, topics)


@pytest.mark.parametrize("error", [KafkaDown("away"), ValueError("nobody thought of it")], ids=["away", "anything"])
def test_it_goes_on_when_the_broker_comes_back_and_ends_when_told(error: Exception) -> None:
    windows, log = Windows(size=3), ComingBack(error)
    watch = LagWatch(log, windows, every_s=0.01)
    watch.start()
    eventually(lambda: complete(windows) == 1.0, "the window is whole")
    watch.close()
    calls = log.calls
    look_once(ListedLog(), windows)
    assert log.calls == calls
