"""The harness is proved: each known bug, planted into a real part and provoked, is found and named by the checker."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from sqlalchemy import text

from tests.faults.evidence import Reset
from tests.faults.planted.pieces import SwallowedErrors
from tests.faults.planted.scene import Scene
from tests.faults.resets import alter
from tests.processes import eventually
from thumper.database import make_engine
from thumper.kafka import Names, make_admin, make_transactional_producer
from thumper.lag import LagReader
from thumper.settings import Settings

PICTURES = 60
# A batch of eight takes so long: with it, most of the pictures are in hand when the first batch is done.
SLOW_S = 0.3


@pytest.fixture
def scene(settings: Settings, tmp_path: Path) -> Iterator[Scene]:
    with Scene(settings, tmp_path) as found:
        yield found


def test_without_a_bug_the_same_deaths_leave_nothing_wrong(scene: Scene) -> None:
    sink, detector = scene.start("sink", "s1"), scene.start("detector", "d1", latency_s=SLOW_S)
    scene.bring(PICTURES)
    scene.dies(detector, "after_commit")
    scene.dies(scene.start("detector", "d1"), "after_flush")
    sink.kill()
    scene.start("sink", "s1")
    scene.start("detector", "d1")
    assert scene.violations() == []


def test_commit_before_write(scene: Scene) -> None:
    sink = scene.start("sink", "s1", "commit_before_write").wait_ready()
    scene.orders.give("s1", "in_copy", "die")
    scene.bring(PICTURES)
    scene.is_dead(sink)
    scene.start("sink", "s1")
    scene.start("detector", "d1")
    assert "lost-write" in scene.kinds()


def test_position_committed_with_work_in_hand(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    scene.dies(scene.start("detector", "d1", "position_committed", SLOW_S), "after_commit")
    scene.start("detector", "d1")
    assert {"int-poll-skip", "lost-write"} <= scene.kinds()


def test_last_offset_only(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    detector = scene.start("detector", "d1", "last_offset_only")
    scene.has_results()
    detector.kill()
    scene.start("detector", "d1")
    assert scene.kinds() & {"duplicate", "nonmonotonic"}


def test_no_rewind_after_an_abort(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    detector = scene.start("detector", "d1", "no_rewind")
    scene.freezes(detector, "after_flush")
    # As a successor does: it ends the open transaction, and shuts its writer out.
    make_transactional_producer(scene.settings, f"d1@{socket.gethostname()}").init_transactions(30)
    detector.send(signal.SIGCONT)
    assert "int-poll-skip" in scene.kinds()


def test_latest(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    scene.start("detector", "d1", "latest")
    assert {"int-poll-skip", "lost-write"} <= scene.kinds()


def test_random_ids(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.start("detector", "d1", "random_ids")
    scene.bring(PICTURES)
    assert scene.kinds() == {"random-id"}


def test_stale_metadata(scene: Scene) -> None:
    scene.start("sink", "s1")
    scene.start("detector", "d1", "stale_metadata").wait_ready()
    scene.bring(8)
    scene.has_results()
    assert scene.start("detector", "d2").wait_ready().stop() == 0
    scene.bring(PICTURES)
    assert "stuck" in scene.kinds()


def test_ignored_partition_error(scene: Scene) -> None:
    """A reset of a group that runs is refused in each partition's answer, and in none of the call's."""
    scene.start("sink", "s1")
    scene.start("detector", "d1")
    scene.bring(PICTURES)
    eventually(lambda: scene.parts.lag("detector") == 0, "all is answered")
    lags = LagReader(scene.settings)
    stood = lags.committed("detector", ["images"])
    lags.close()
    assert not alter(scene.settings, "detector", dict.fromkeys(stood, 0))
    scene.books.resets.extend(Reset(*part, offset, 0) for part, offset in stood.items())
    assert "int-poll-skip" in scene.kinds()


def test_swallowed_error(scene: Scene) -> None:
    """The broker takes nothing, and says so in the delivery reports."""
    scene.start("sink", "s1").wait_ready()
    topic = ConfigResource(ResourceType.TOPIC, Names(scene.settings).topic("images"))
    topic.add_incremental_config(ConfigEntry("max.message.bytes", "50", incremental_operation=AlterConfigOpType.SET))
    admin = make_admin(scene.settings)
    admin.incremental_alter_configs([topic])[topic].result(10)
    scene.bring(4, SwallowedErrors)
    assert "lost-write" in scene.kinds()


def test_read_uncommitted(scene: Scene) -> None:
    scene.start("sink", "s1", "read_uncommitted").wait_ready()
    scene.bring(PICTURES)
    scene.dies(scene.start("detector", "d1"), "after_flush")
    scene.has_results()
    assert "G1a" in scene.kinds()


def test_without_transactions_the_tables_are_exact_and_the_log_is_not(scene: Scene) -> None:
    """Half of the defence is off; the other half holds."""
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    scene.dies(scene.start("detector", "d1", "no_transactions"), "after_flush")
    scene.start("detector", "d1")
    found = scene.kinds()
    assert found
    assert found <= {"duplicate", "nonmonotonic"}


def test_without_keys_a_sink_that_dies_between_its_commits_is_found(scene: Scene) -> None:
    """The other half of the defence is off: the same rows are written again, and nothing absorbs them."""
    engine = make_engine(scene.settings)
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE result DROP CONSTRAINT result_pkey; ALTER TABLE box DROP CONSTRAINT box_pkey")
        )
    engine.dispose()
    sink = scene.start("sink", "s1", "no_keys")
    scene.bring(PICTURES)
    scene.start("detector", "d1", latency_s=SLOW_S)
    scene.has_results()
    scene.dies(sink, "between_commits")
    scene.start("sink", "s1", "no_keys")
    assert "double-row" in scene.kinds()
