"""api/look.py: what cannot be read is left out, and one thing that is away is waited for once."""

from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import Engine

from api.look import Looker
from api.snapshot import Reading, Shared
from api.status import LogMismatch, Numbers, Status
from thumper.clock import SteppedClock
from thumper.database import make_engine
from thumper.errors import DatabaseDown, KafkaDown, ThumperError
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition
from thumper.settings import Settings

IMAGES, FACTS = Partition("images", 0), Partition("facts", 0)
STATUS = Status(Numbers(0, 0, 0, 0, 0), {}, "Idle", 0, 0, 0, None)


class ListedLog:
    """A log made of numbers. away: the names of the calls that the broker does not answer."""

    def __init__(self, *away: str) -> None:
        self.away = away
        self.asked: list[Mapping[Partition, int]] = []

    def read(self, group: str, topics: Sequence[str]) -> GroupLag:
        self._ask("read")
        parts = (PartitionLag(IMAGES, 3, None, 9), PartitionLag(FACTS, 0, 4, 4))
        return GroupLag(group, parts, 0.0)

    def starts(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        self._ask("starts")
        return {Partition(topic, 0): 1 for topic in topics}

    def ends(self, topics: Sequence[str]) -> Mapping[Partition, int]:
        self._ask("ends")
        return {Partition(topic, 0): 7 for topic in topics}

    def members(self, group: str) -> int:
        self._ask("members")
        return 2

    def oldest(self) -> "ListedOldest":
        return ListedOldest(self)

    def _ask(self, call: str) -> None:
        if call in self.away:
            raise KafkaDown("away")


class ListedOldest:
    """Its events all came at 5 ms."""

    def __init__(self, log: ListedLog) -> None:
        self._log = log

    def read(self, places: Mapping[Partition, int]) -> Mapping[Partition, int | None]:
        if "oldest" in self._log.away:
            raise KafkaDown("away")
        self._log.asked.append(places)
        return dict.fromkeys(places, 5)


@pytest.fixture
def engine() -> Engine:
    """Of a database that is not there."""
    return make_engine(Settings.model_validate({"database_url": "postgresql://a@127.0.0.1:1/b"}))


class Statuses:
    """The shared reading: a status, or why there is none."""

    def __init__(self, error: ThumperError | None = None) -> None:
        self.asked = 0
        self._error = error

    def __call__(self) -> Reading:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return Reading(STATUS, {})


def looker(log: ListedLog, statuses: Statuses, engine: Engine) -> Looker:
    return Looker(log, log.oldest(), engine, Shared(statuses, SteppedClock()))


def test_all_is_known(engine: Engine) -> None:
    log = ListedLog()
    look = looker(log, Statuses(), engine).look()
    assert (look.database_up, look.status) == (True, STATUS)
    assert look.log is not None
    assert [(one.lag.group, one.members, one.oldest_ms) for one in look.log.groups] == [
        ("detector", 2, {IMAGES: 5}),
        ("sink", 2, {IMAGES: 5}),
    ]
    assert look.log.unread == {Partition("dead-letters", 0): (1, 7)}
    assert log.asked == [{IMAGES: 3}] * 2, "never committed: from the log's start; without lag: not asked"


@pytest.mark.parametrize("call", ["read", "starts", "ends"])
def test_a_broker_that_is_away_is_waited_for_once(engine: Engine, call: str) -> None:
    statuses = Statuses()
    look = looker(ListedLog(call), statuses, engine).look()
    assert (look.log, look.status, look.database_up) == (None, None, False)
    assert statuses.asked == 0


@pytest.mark.parametrize("call", ["members", "oldest"])
def test_lag_is_known_without_the_rest(engine: Engine, call: str) -> None:
    look = looker(ListedLog(call), Statuses(), engine).look()
    assert look.log is not None
    assert [one.lag.lag for one in look.log.groups] == [6, 6]
    assert [one.members is None for one in look.log.groups] == [call == "members"] * 2
    assert [not one.oldest_ms for one in look.log.groups] == [call == "oldest"] * 2


@pytest.mark.parametrize(
    ("error", "log_known", "database_up"),
    [
        pytest.param(DatabaseDown("away"), True, False, id="no database"),
        pytest.param(KafkaDown("away"), False, False, id="the broker went meanwhile"),
        pytest.param(LogMismatch("another log"), True, True, id="rows of another log"),
    ],
)
def test_a_status_that_cannot_be_read(engine: Engine, error: ThumperError, log_known: bool, database_up: bool) -> None:
    look = looker(ListedLog(), Statuses(error), engine).look()
    assert (look.log is not None, look.database_up, look.status) == (log_known, database_up, None)
