"""`thumper init` makes what `thumper check` then finds in order, and check finds what somebody changed."""

import psycopg2
import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from sqlalchemy.engine import make_url

from cli.check import check
from cli.init import init
from thumper.clock import SystemClock
from thumper.embedded.state import StackState
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_admin
from thumper.probe import Finding
from thumper.settings import Settings
from thumper.topics import TOPICS

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
# A machine that is busy with other tests answers late; that is not what is tested here.
PATIENCE_S = 60.0


def complaints(settings: Settings) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in check(settings, CLOCK, PATIENCE_S):
        if finding.state != "ok":
            found.setdefault(finding.part, []).append(finding)
    return found


def test_what_init_makes_is_what_check_wants(settings: Settings) -> None:
    # As embedded: the session is longer than a dead worker's transaction.
    settings = settings.model_copy(update={"session_timeout_ms": 14_000})
    before = complaints(settings)
    assert set(before) == {"Kafka topics", "PostgreSQL tables", "Store"}
    assert all("thumper init" in finding.advice for found in before.values() for finding in found)
    made = init(settings)
    assert len(made) == 3
    assert all(settings.topic_prefix + name in made[0] for name in TOPICS)
    assert complaints(settings) == {}
    assert init(settings) == []


def test_a_topic_that_forgets_is_found(settings: Settings) -> None:
    init(settings)
    change = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, Names(settings).topic("facts"), incremental_configs=[change])
    admin = make_admin(settings)
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)
    # A broker shows a changed setting a moment later.
    assert wait_until(lambda: "Kafka topics" in complaints(settings), CLOCK, 30.0)
    (found,) = complaints(settings)["Kafka topics"]
    assert (found.state, "facts: retention.ms is 1000" in found.found) == ("fail", True)


def test_a_database_that_takes_no_writes_is_found(settings: Settings, stack_state: StackState) -> None:
    init(settings)
    assert settings.database_url is not None
    name = make_url(settings.database_url.get_secret_value()).database
    connection = psycopg2.connect(stack_state.superuser_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connection.close()
    (found,) = complaints(settings)["PostgreSQL"]
    assert (found.state, found.found) == ("fail", "it is read only")
