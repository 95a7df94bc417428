"""Faults of the harness's own Kafka and PostgreSQL. Each returns when the server answers again."""

import os
import signal

from psycopg2 import Error

from tests.faults.world import World, tried
from tests.processes import CLOCK
from thumper.embedded.waiting import wait_until

COPYING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'thumper sink' AND query LIKE 'COPY%'"
OURS = "application_name LIKE 'thumper%'"
FINDS_S = 5.0


def kill_broker(world: World) -> bool:
    """Kill it at once; the stack's supervisor starts it again."""
    broker = world.server("kafka")
    broker.kill()
    wait_until(lambda: not broker.is_running(), CLOCK, FINDS_S)
    world.wait_for_servers()
    return True


def freeze_broker(world: World, seconds: float) -> bool:
    """As a machine that swaps, or a link that is cut."""
    broker = world.server("kafka")
    broker.suspend()
    CLOCK.sleep(seconds)
    broker.resume()
    world.wait_for_servers()
    return True


def kill_copy(world: World) -> bool:
    """Kill the backend that runs the sink's COPY: the whole server recovers from a crash."""
    found: list[int] = []

    def look() -> bool:
        with world.database() as cursor:
            cursor.execute(COPYING)
            found.extend(pid for (pid,) in cursor.fetchall())
        return bool(found)

    if not wait_until(lambda: bool(tried(look)), CLOCK, FINDS_S):
        return False
    os.kill(found[0], signal.SIGKILL)
    world.wait_for_servers()
    return True


def stop_postgres(world: World) -> bool:
    """An immediate stop: no checkpoint, recovery at the next start."""
    server = world.server("postgres")
    server.send_signal(signal.SIGQUIT)
    wait_until(lambda: not server.is_running(), CLOCK, FINDS_S)
    world.wait_for_servers()
    return True


def end_connections(world: World) -> bool:
    """pg_terminate_backend of every connection of ours."""
    with world.database() as cursor:
        cursor.execute(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OURS}")  # noqa: S608
        return int(cursor.fetchall()[0][0]) > 0


def lock_table(world: World, seconds: float) -> bool:
    """A person's open transaction, in the way of every write."""
    try:
        with world.database() as cursor:
            cursor.execute("LOCK TABLE result IN ACCESS EXCLUSIVE MODE")
            CLOCK.sleep(seconds)
    except Error:
        return False
    return True
