"""The faust app that counts outcomes in windows of a minute. Thin: what is counted how is in windows.py.

faust reads what is not committed unless it writes in transactions itself. Aborted outcomes are no outcomes, so its
consumer is told to read what is committed (`_Thread`). Its table of windows lives in memory; every change goes to the
topic `monitor-windows`, which has as many partitions as `detections` (thumper/topics.py), and a new life reads it back.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from yarl import URL

from processors.monitor.windows import KEPT_S, WINDOW_S, Cell, Row, count_once
from schemas.codec import DetectionOutcome, UnknownMajorVersion, UnreadableEvent, decode
from schemas.detection import DetectionFailed
from thumper.kafka import Names, faust_credentials
from thumper.settings import Settings

GROUP = "monitor"
SOURCE, CHANGES = "detections", "monitor-windows"
LocationOf = Callable[[DetectionOutcome], Awaitable[str]]


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # aiokafka takes it when it starts. faust has no setting for it.
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Table(faust.Table[str, list[int]]):
    """Its changes go to a topic of our own name, with the prefix of topics."""

    changes = CHANGES

    def _changelog_topic_name(self) -> str:
        return self.changes


class Counting:
    """The app and its table. partitions: of `detections`. For the thread of the event loop that runs it."""

    def __init__(self, settings: Settings, partitions: int, location_of: LocationOf) -> None:
        self._location_of = location_of
        self._partitions = partitions
        self._names = Names(settings)
        self.app: Any = _make_app(settings, self._names)
        self._table = _make_table(self.app, self._names, partitions)
        source = self.app.topic(self._names.topic(SOURCE), key_serializer="raw", value_serializer="raw")
        self.app.agent(source, name="count")(self._count)

    @property
    def is_whole(self) -> bool:
        """Whether the windows are read back and all partitions are ours."""
        name = self._names.topic(SOURCE)
        mine = {tp.partition for tp in self.app.consumer.assignment() if tp.topic == name}
        return len(mine) == self._partitions and not self.app.rebalancing and not self.app.tables.recovery.in_recovery

    def rows(self) -> list[Row]:
        """A copy of the table, for Windows.of_rows."""
        return list(self._table.table.data.items())

    async def _count(self, stream: Any) -> None:
        async for event in stream.events():
            try:
                outcome = decode(SOURCE, event.value)
            except (UnreadableEvent, UnknownMajorVersion):
                continue  # the sink's business, which makes a dead letter of it, or stops
            cell = Cell(
                event.message.partition,
                outcome.group,
                outcome.model.name,
                outcome.worker,
                await self._location_of(outcome),
                isinstance(outcome, DetectionFailed) and outcome.error_class != "removed",
            ).text()
            self._table[cell] = count_once(self._table[cell].value(), event.message.offset)


def _make_app(settings: Settings, names: Names) -> faust.App:
    assert settings.kafka_bootstrap is not None  # noqa: S101 - connect fills it
    # faust makes a folder for its tables, also where they lie in memory.
    folder = settings.data_dir / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    brokers = [URL(f"kafka://{address}") for address in settings.kafka_bootstrap.split(",")]
    app = faust.App(
        names.group(GROUP),
        broker=brokers,
        broker_credentials=faust_credentials(settings),
        broker_client_id="thumper-monitor",
        broker_session_timeout=settings.session_timeout_ms / 1_000,
        broker_heartbeat_interval=min(1.0, settings.session_timeout_ms / 3_000),
        store="memory://",
        datadir=str(folder),
        autodiscover=False,
        web_enabled=False,
        # Topics are made by one function, with the table's settings.
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    app.transport = _Transport(brokers, app)
    return app


def _make_table(app: Any, names: Names, partitions: int) -> Any:
    table = _Table(app, name="windows", default=list, partitions=partitions, beacon=app.tables.beacon)
    table.changes = names.topic(CHANGES)
    app.tables.add(table)
    return table.tumbling(WINDOW_S, expires=KEPT_S).relative_to_stream()
