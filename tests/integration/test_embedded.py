"""The embedded servers as everybody uses them: one Kafka and one PostgreSQL for a run."""

import psycopg2
import pytest

from thumper.embedded import kafka
from thumper.embedded.stack import EmbeddedStack
from thumper.embedded.state import StackState
from thumper.settings import Settings

pytestmark = pytest.mark.integration


def test_kafka_answers_with_its_own_id(bootstrap: str, stack_state: StackState) -> None:
    assert kafka.cluster_id(bootstrap) == stack_state.cluster_id


def test_each_test_has_an_empty_database_of_its_own(settings: Settings, database_url: str) -> None:
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    assert url != database_url
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE seen (x int)")
            cursor.execute("SELECT current_user, count(*) FROM pg_tables WHERE schemaname = 'public'")
            assert cursor.fetchone() == ("deertrack", 1)
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()
            assert version is not None
            assert version[0].startswith("18.")
    finally:
        connection.close()


def test_both_servers_are_ready_and_supervised(stack: EmbeddedStack) -> None:
    assert {part.name: (part.state, part.ready) for part in stack.parts()} == {
        "kafka": ("RUNNING", True),
        "postgres": ("RUNNING", True),
    }
