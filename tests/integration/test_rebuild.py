"""`thumper rebuild`: tables made again from the log are equal row by row, on a system that runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.wiring import before_apps
from schemas.envelope import Event
from schemas.fact import CorrectionMade
from schemas.image import image_id
from schemas.request import ProcessingRequested
from tests.processes import CLOCK, Part, Processes, eventually
from tests.producers.pictures import card
from tests.sinks.tables import Tables
from thumper.audit.audit import Asked, audit
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.kafka import Names
from thumper.lag import LagReader
from thumper.positions import place_group
from thumper.record import Partition
from thumper.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PICTURES = 20


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


def emit(settings: Settings, topic: str, *events: Event) -> None:
    with Emitter(settings) as emitter:
        for event in events:
            emitter.emit(topic, event)
        emitter.flush()


def rows(settings: Settings) -> dict[str, list[str]]:
    found = Tables(settings)
    try:
        return found.rows()
    finally:
        found.engine.dispose()


def full_of_history(parts: Processes, tmp_path: Path) -> Part:
    """Pictures, corrections, requests, a replay and failures, all recorded. The sink, which runs."""
    sink, detector = parts.sink().wait_ready(), parts.null_detector().wait_ready()
    folder = card(tmp_path / "card", Hayfield=PICTURES, Sanctuary=5)
    assert parts.run("import", str(folder)).returncode == 0
    parts.wait_drained()
    known = parts.sql("SELECT sha256, uri FROM image ORDER BY image_id LIMIT 3")
    lost = [ProcessingRequested(sha256=sha256, uri="store:///00/nothing.jpg") for sha256, _ in known[:2]]
    emit(parts.settings, "requests", ProcessingRequested(sha256=known[2][0], uri=known[2][1]), *lost)
    corrected = CorrectionMade(
        type="correction.made", image_id=image_id(known[0][0]), class_name="coyote", location="Creek", made_by="me"
    )
    emit(parts.settings, "facts", corrected)
    parts.wait_drained()
    assert detector.stop() == 0
    names = Names(parts.settings)
    words = ("--group", names.group("detector"), "--topic", names.topic("images"), "--reset-offsets", "--to-earliest")
    done = parts.run("kafka", "kafka-consumer-groups", *words, "--execute")
    assert done.returncode == 0, done.stderr
    parts.null_detector().wait_ready()
    parts.wait_drained()
    assert parts.sql("SELECT state, count(*) FROM image GROUP BY 1 ORDER BY 1") == [(1, PICTURES + 5)]
    return sink


def test_tables_rebuilt_while_all_else_runs_are_equal_row_by_row(parts: Processes, tmp_path: Path) -> None:
    sink = full_of_history(parts, tmp_path)
    before = rows(parts.settings)
    assert len(before["result"]) == PICTURES + 5

    assert "They are emptied" in parts.run("rebuild", "--dry-run").stdout
    assert rows(parts.settings) == before
    # With a sink that runs elsewhere nothing is touched.
    done = parts.run("rebuild", "--yes", "--wait-s", "0")
    assert (done.returncode, "still has members" in done.stderr) == (2, True)
    assert rows(parts.settings) == before

    sink.stop()
    rebuild = parts.start("rebuild", "--yes")
    eventually(lambda: "Waiting for a sink" in rebuild.log, "it asks for a sink")
    assert all(not found for found in rows(parts.settings).values())
    parts.sink()
    eventually(lambda: rebuild.process.poll() == 0, "it ends")
    assert f"rebuild: {PICTURES + 5} pictures, {PICTURES + 5} results" in rebuild.log
    assert rows(parts.settings) == before
    assert audit(parts.settings, Asked(), CLOCK).findings.wrong == {}


def test_it_asks_first(parts: Processes) -> None:
    done = parts.run("rebuild")
    assert (done.returncode, done.stderr.splitlines()[-2:]) == (
        2,
        [
            "thumper: rebuild was not typed; nothing was changed",
            "         --yes says it without being asked",
        ],
    )


def test_a_sink_refuses_new_tables_when_its_group_has_passed_events(parts: Processes, tmp_path: Path) -> None:
    sink = parts.sink().wait_ready()
    assert parts.run("import", str(card(tmp_path / "card", Hayfield=3))).returncode == 0
    eventually(lambda: parts.lag("sink") == 0, "all is recorded")
    sink.stop()
    engine = make_engine(parts.settings)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
    refused = parts.sink()
    assert refused.process.wait(60) == 70
    assert "the tables are empty, but the group has passed" in refused.log
    assert "thumper rebuild" in refused.log

    rebuild = parts.start("rebuild", "--yes")
    eventually(lambda: "Waiting for a sink" in rebuild.log, "it asks for a sink")
    parts.sink()
    eventually(lambda: rebuild.process.poll() == 0, "it ends")
    assert parts.sql("SELECT count(*) FROM image") == [(3,)]


def test_a_group_with_members_is_not_placed(parts: Processes) -> None:
    part = Partition("images", 0)
    place_group(parts.settings, "sink", {part: 0}, CLOCK)
    lags = LagReader(parts.settings)
    assert lags.committed("sink", ["images"]) == {part: 0}
    lags.close()
    parts.sink().wait_ready()
    with pytest.raises(UserError, match="has members"):
        place_group(parts.settings, "sink", {part: 0}, CLOCK)
