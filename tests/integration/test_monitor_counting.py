"""The windows on a real broker: only what is committed counts, each outcome once, and a new life knows what it knew."""

import asyncio
from collections.abc import Callable

from confluent_kafka import Producer

from processors.monitor.begin import begin_recent
from processors.monitor.faust_app import Counting
from processors.monitor.windows import Windows
from schemas.codec import DetectionOutcome, encode
from tests.processes import eventually
from tests.sinks.events import completed, failed, origin
from thumper.clock import SystemClock
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_admin, make_transactional_producer
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import ensure_topics, list_topics, renew_followers

CLOCK = SystemClock()
LOCATIONS = {0: "Gate", 1: "Creek"}


async def location_of(outcome: DetectionOutcome) -> str:
    return LOCATIONS[outcome.origin.offset % 2]


class Log:
    """Writes outcomes in transactions."""

    def __init__(self, settings: Settings) -> None:
        self._topic = Names(settings).topic("detections")
        self._producer: Producer = make_transactional_producer(settings, "one")
        self._producer.init_transactions(30)

    def write(self, outcomes: list[DetectionOutcome], *, commit: bool = True) -> None:
        self._producer.begin_transaction()
        for outcome in outcomes:
            self._producer.produce(self._topic, key=outcome.key(), value=encode(outcome))
        self._producer.flush(30)
        if commit:
            self._producer.commit_transaction(30)
        else:
            self._producer.abort_transaction(30)


def begin(settings: Settings) -> int:
    """Topics that were just made may have no leaders yet."""
    lags, found = LagReader(settings), list[int]()

    def begun() -> bool:
        try:
            found.append(begin_recent(settings, lags, CLOCK))
        except KafkaDown:
            return False
        return True

    eventually(begun, "the positions are set")
    lags.close()
    return found[0]


def outcomes(first: int, count: int, bad: int = 0) -> list[DetectionOutcome]:
    good: list[DetectionOutcome] = [completed(first + n, of=origin(first + n)) for n in range(count - bad)]
    return good + [failed(first + n, of=origin(first + n)) for n in range(count - bad, count)]


async def counted(settings: Settings, partitions: int, until: Callable[[Windows], bool]) -> Windows:
    """One life of the counting, until the windows say what is waited for."""
    counting = Counting(settings, partitions, location_of)
    await counting.app.start()
    try:
        async with asyncio.timeout(60):
            while True:
                assert not counting.app.crashed, counting.app.crash_reason
                now_s = CLOCK.wall().timestamp()
                windows = Windows.of_rows(now_s, counting.rows())
                if counting.is_whole and until(windows):
                    return windows
                await asyncio.sleep(0.05)
    finally:
        await counting.app.stop()


def total(windows: Windows) -> int:
    return windows.share("detector", 50).total


def test_only_what_is_committed_counts_and_a_new_life_knows_it(settings: Settings) -> None:
    ensure_topics(settings)
    partitions = begin(settings)
    assert partitions == settings.partitions
    log = Log(settings)
    log.write(outcomes(0, 20, bad=4))
    log.write(outcomes(100, 30, bad=30), commit=False)
    log.write(outcomes(20, 10))
    first = asyncio.run(counted(settings, partitions, lambda windows: total(windows) >= 30))
    assert first.share("detector", 50) == (4, 30)
    assert first.by("location", "detector", 50) == {"Creek": (2, 15), "Gate": (2, 15)}
    assert set(first.by("model", "detector", 50)) == {"m1"}

    log.write(outcomes(200, 5), commit=False)
    log.write(outcomes(30, 7))
    begin(settings)
    again = asyncio.run(counted(settings, partitions, lambda windows: total(windows) >= 37))
    assert again.share("detector", 50) == (4, 37)


def test_an_empty_cluster_is_counted_as_nothing(settings: Settings) -> None:
    ensure_topics(settings)
    windows = asyncio.run(counted(settings, begin(settings), lambda _: True))
    assert total(windows) == 0


def test_the_changes_have_as_many_partitions_as_the_outcomes_whatever_happened(settings: Settings) -> None:
    ensure_topics(settings)
    admin, name = make_admin(settings), Names(settings).topic("monitor-windows")
    (gone,) = admin.delete_topics([name]).values()
    gone.result(30)
    ensure_topics(settings.model_copy(update={"partitions": 7}))
    assert list_topics(settings, admin)["monitor-windows"] == settings.partitions
    assert renew_followers(settings) == []
