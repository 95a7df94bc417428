"""The sink's stage on a real PostgreSQL that goes away and comes back."""

from collections.abc import Iterator, Sequence

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from sinks.postgres.stage import SinkStage, sink_stage
from tests.sinks.events import activated, added, at, box, completed, image, imported
from tests.sinks.tables import Tables, tables
from thumper.clock import SystemClock
from thumper.embedded.state import StackState
from thumper.errors import Fatal
from thumper.record import Partition, Record
from thumper.stage import Backpressure

pytestmark = pytest.mark.integration

WAIT_S = 30.0


class OneLog:
    """A log of one partition per topic."""

    def __init__(self, cluster: str = "c1") -> None:
        self.cluster = cluster

    def topic_identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        return self.cluster, {topic: f"id of {topic}" for topic in topics}

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {Partition(topic, 0): 0 for topic in topics}

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        return {Partition(topic, 0): 10_000 for topic in topics}

    def committed(self, group: str, topics: Sequence[str]) -> dict[Partition, int]:
        return {}


@pytest.fixture
def db(fresh_database: str) -> Iterator[Tables]:
    with tables(fresh_database) as found:
        yield found


@pytest.fixture
def stage(db: Tables) -> Iterator[SinkStage]:
    built = sink_stage(db.settings, OneLog(), SystemClock())
    built.open()
    yield built
    built.close()


class Outage:
    """Nobody can connect any more, and who is connected is thrown out."""

    def __init__(self, state: StackState, url: str) -> None:
        self._state = state
        self._name = make_url(url).database

    def _run(self, statement: str) -> None:
        connection = psycopg2.connect(self._state.superuser_url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, {"name": self._name})
        connection.close()

    def begin(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s")

    def end(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")


@pytest.fixture
def outage(stack_state: StackState, fresh_database: str) -> Iterator[Outage]:
    found = Outage(stack_state, fresh_database)
    yield found
    found.end()


class Feed:
    """Gives records to a stage as the loop does, and keeps the offsets that came out."""

    def __init__(self, stage: SinkStage) -> None:
        self.stage = stage
        self.clock = SystemClock()
        self.done: list[tuple[str, int]] = []
        self.refused = 0

    def turn(self) -> None:
        done = self.stage.poll(self.clock.now_s())
        if done is None:
            self.clock.sleep(0.002)
        else:
            self.done += [(record.partition.topic, record.offset) for record in done.records]

    def give(self, records: Sequence[Record], until_refused: bool = False) -> int:
        """How many of `records` it took."""
        deadline_s = self.clock.now_s() + WAIT_S
        for taken, record in enumerate(records):
            while True:
                assert self.clock.now_s() < deadline_s
                try:
                    self.stage.submit(record, self.clock.now_s())
                    break
                except Backpressure:
                    if until_refused:
                        return taken
                    self.turn()
        return len(records)

    def until_idle(self) -> None:
        deadline_s = self.clock.now_s() + WAIT_S
        while self.stage.in_flight():
            assert self.clock.now_s() < deadline_s
            self.turn()


def history(count: int) -> list[Record]:
    facts = [at("facts", 0, event=added()), at("facts", 1, event=activated())]
    pictures = [at("images", n, event=imported(n)) for n in range(count)]
    return facts + pictures + [at("detections", n, event=completed(n, box())) for n in range(count)]


def test_it_waits_out_an_outage_and_loses_nothing(db: Tables, stage: SinkStage, outage: Outage) -> None:
    records = history(3_000)
    feed = Feed(stage)
    feed.give(records[:2_500])
    outage.begin()
    db.engine.dispose()
    taken = 2_500
    deadline_s = feed.clock.now_s() + WAIT_S
    while taken < len(records) - 500 and stage.in_flight() < 500:
        assert feed.clock.now_s() < deadline_s
        taken += feed.give(records[taken : taken + 100], until_refused=True)
        feed.turn()
    outage.end()
    feed.give(records[taken:])
    feed.until_idle()
    assert feed.done == [(record.partition.topic, record.offset) for record in records]
    assert db.ask("SELECT state, count(*) FROM image GROUP BY 1") == [(1, 3_000)]
    assert db.ask("SELECT count(*) FROM box") == [(3_000,)]
    assert db.wrong_counters() == db.wrong_states() == []


def test_what_is_discarded_and_read_again_is_written_once(db: Tables, stage: SinkStage) -> None:
    records = history(200)
    feed = Feed(stage)
    feed.give(records[:300])
    stage.discard()
    feed.give(records)
    feed.until_idle()
    assert feed.done[-1] == ("detections", 199)
    assert db.ask("SELECT count(*) FROM result") == db.ask("SELECT count(*) FROM box") == [(200,)]
    assert stage.written().results == 200


def test_a_bad_message_between_good_ones(db: Tables, stage: SinkStage) -> None:
    feed = Feed(stage)
    feed.give(
        [
            at("images", 0, event=imported(0)),
            Record(Partition("images", 0), 1, b"?"),
            at("images", 2, event=imported(2)),
        ]
    )
    feed.until_idle()
    assert db.ask("SELECT image_id FROM image ORDER BY log_offset") == [(image(0),), (image(2),)]
    assert db.ask("SELECT next_offset FROM recorded") == [(3,)]


def test_tables_of_another_log_are_not_touched(db: Tables, stage: SinkStage) -> None:
    other = sink_stage(db.settings, OneLog("c2"), SystemClock())
    with pytest.raises(Fatal, match="another log"):
        other.open()
    other.close()
