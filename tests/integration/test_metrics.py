"""/metrics of real processes: what they say fits together, with the tables, and with /api/lag."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.deps import open_deps
from cli.wiring import before_apps
from models.scenes import write_card
from tests.api.serving import serving
from tests.api.world import open_world
from tests.processes import Processes, eventually, free_port
from tests.scrape import Scrape, scrape
from thumper.metrics import METRICS
from thumper.settings import Settings
from thumper.topics import RECORDED

PICTURES = 24
LOST = 2
MODEL = "fixed"
LAG = "kafka_consumergroup_lag"


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings.model_copy(update={"api_port": free_port()}), tmp_path) as found:
        yield found


def at(port: int) -> Scrape:
    return scrape(f"http://127.0.0.1:{port}/metrics")


def lose_pictures(folder: Path, count: int) -> None:
    """Delete some of the store's files."""
    for path in sorted((folder / "store").rglob("*.jpg"))[:count]:
        path.unlink()


def assert_the_api_says_the_same(parts: Processes, by_api: Scrape) -> None:
    groups = {group["group"]: group for group in parts.get("/api/lag")["groups"]}
    for name, group in groups.items():
        labels = {"consumergroup": parts.settings.group_prefix + name}
        assert by_api.total("kafka_consumergroup_lag_sum", **labels) == group["lag"]
        for part in group["partitions"]:
            place = {"topic": parts.settings.topic_prefix + part["topic"], "partition": str(part["partition"])}
            assert by_api.one("kafka_consumergroup_lag", **labels, **place) == part["lag"]
            committed = [] if part["committed"] is None else [part["committed"]]
            assert by_api.all("kafka_consumergroup_current_offset", **labels, **place) == committed
            assert by_api.one("kafka_topic_partition_current_offset", **place) == part["end"]
            assert by_api.one("kafka_topic_partition_oldest_offset", **place) == part["start"]


def test_the_sums_of_all_processes_are_those_of_the_tables(parts: Processes, tmp_path: Path) -> None:
    detector_port, sink_port = free_port(), free_port()
    write_card(tmp_path / "card", ("Hayfield", "270_Jason"), PICTURES, seed=5)
    sink = parts.start("sink", "--name", "sink", metrics_port=sink_port).wait_ready()
    api = parts.api()
    assert parts.run("import", str(tmp_path / "card")).returncode == 0
    eventually(lambda: parts.lag("sink") == 0, "the sink has recorded the import")
    assert_all_is_waiting(parts, at(parts.settings.api_port))

    lose_pictures(parts.settings.data_dir, LOST)
    detector = parts.start(
        "detector", "--name", "d1", program="tests.faults.null_detector", metrics_port=detector_port
    ).wait_ready()
    parts.wait_drained()
    eventually(lambda: at(sink_port).one("thumper_in_flight") == 0, "the sink is idle")
    assert_all_is_done(parts, at(parts.settings.api_port))
    assert_the_detectors_figures(parts, at(detector_port))
    assert_the_sinks_figures(parts, at(sink_port))
    for port, who in ((parts.settings.api_port, "api"), (detector_port, "detector"), (sink_port, "sink")):
        declared = {metric.name.removesuffix("_total") for metric in METRICS if who in metric.served}
        assert declared - set(at(port).kinds) == set(), f"declared and not there: {who}"
    assert [part.stop() for part in (detector, sink, api)] == [0, 0, 0]


def assert_all_is_waiting(parts: Processes, found: Scrape) -> None:
    """No detector has ever run."""
    detector = {"consumergroup": parts.settings.group_prefix + "detector"}
    assert_the_api_says_the_same(parts, found)
    assert found.total(LAG, **detector) == PICTURES, "never committed: all of the log"
    assert not found.all("kafka_consumergroup_current_offset", **detector)
    assert found.one("kafka_consumergroup_members", **detector) == 0
    assert found.one("thumper_consumergroup_never_committed", **detector) == 2 * parts.settings.partitions
    assert found.one("thumper_consumergroup_status", **detector, status="NOTFOUND") == 1
    for number in range(parts.settings.partitions):
        place = {"topic": parts.settings.topic_prefix + "images", "partition": str(number)}
        (lag,), (age_s,) = (found.all(name, **detector, **place) for name in (LAG, f"{LAG}_seconds"))
        assert (age_s > 0) == (lag > 0)
    assert found.by("thumper_pictures", "state") == {"pending": PICTURES, "processing": 0, "completed": 0, "failed": 0}
    assert found.one("thumper_kafka_up") == found.one("thumper_database_up") == 1


def assert_all_is_done(parts: Processes, found: Scrape) -> None:
    assert_the_api_says_the_same(parts, found)
    assert set(found.all(LAG)) == set(found.all(f"{LAG}_seconds")) == {0}
    assert set(found.by("kafka_consumergroup_members", "consumergroup").values()) == {1}
    status = parts.get("/api/processing/status")
    states = found.by("thumper_pictures", "state")
    assert states == {state: status[state] for state in ("pending", "processing", "completed", "failed")}
    assert states == {"pending": 0, "processing": 0, "completed": PICTURES - LOST, "failed": LOST}


def assert_the_detectors_figures(parts: Processes, found: Scrape) -> None:
    states = dict(parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1"))
    outcomes = found.by("thumper_detector_images_total", "outcome")
    assert outcomes == {"completed": states["completed"], "missing": states["failed"]}
    assert found.total("thumper_detector_images_total", model=MODEL) == PICTURES
    assert found.total("thumper_detector_batch_size_sum") == states["completed"]
    batches = parts.sql("SELECT count(DISTINCT batch_id) FROM result WHERE batch_id IS NOT NULL")
    assert [(found.total("thumper_detector_batches_total"),)] == batches
    for step, count in (("queue", PICTURES), ("decode", states["completed"]), ("picture", PICTURES)):
        assert found.total(f"thumper_detector_{step}_seconds_count") == count
    assert found.total("thumper_finished_total", group="detector") == PICTURES
    assert found.total("thumper_commit_seconds_count", group="detector") > 0
    assert found.total("thumper_commit_failures_total") == found.total("thumper_in_flight") == 0


def assert_the_sinks_figures(parts: Processes, found: Scrape) -> None:
    for table in ("image", "result", "box", "location", "model"):
        ((count,),) = parts.sql(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        assert found.total("thumper_sink_rows_total", table=table) == count, table
    ends = (parts.ends(topic) for topic in RECORDED if topic != "detections")
    events = sum(end for topic in ends for end in topic.values())
    assert found.total("thumper_finished_total", group="sink") == events + PICTURES
    assert found.total("thumper_sink_record_seconds_count") == found.total("thumper_sink_batches_total") > 0
    assert found.total("thumper_sink_absorbed_total") == 0
    assert found.one("process_resident_memory_bytes") > 0


def test_a_port_that_is_taken_is_said_and_no_reason_not_to_work(parts: Processes) -> None:
    api = parts.api()
    sink = parts.start("sink", "--name", "sink", metrics_port=parts.settings.api_port).wait_ready()
    assert "metrics are not served" in sink.log
    assert f"127.0.0.1:{parts.settings.api_port}" in sink.log
    assert [part.stop() for part in (sink, api)] == [0, 0]


@pytest.mark.parametrize(
    ("setting", "known", "unknown"),
    [
        pytest.param(
            {"kafka_bootstrap": "127.0.0.1:1"}, "thumper_database_up", ("kafka_", "thumper_pictures"), id="no broker"
        ),
        pytest.param(
            {"database_url": SecretStr("postgresql://me:secret@127.0.0.1:1/no")},
            "thumper_kafka_up",
            ("thumper_pictures", "thumper_state"),
            id="no database",
        ),
    ],
)
def test_what_is_away_has_no_number(
    settings: Settings, setting: dict[str, object], known: str, unknown: tuple[str, ...]
) -> None:
    with open_world(settings) as world:
        world.activate_model()
        world.add_pictures(3)
        world.record()
        with open_deps(settings) as deps, serving(create_app(deps)) as client:
            well = Scrape(client.get("/metrics").text)
        with open_deps(settings.model_copy(update=setting)) as deps, serving(create_app(deps)) as client:
            answer = client.get("/metrics")
    found = Scrape(answer.text)
    assert answer.status_code == 200
    assert well.one("thumper_kafka_up") == well.one("thumper_database_up") == 1
    assert found.one(known) == 1
    assert found.one("thumper_kafka_up") + found.one("thumper_database_up") == 1
    assert [name for name in well.names if name.startswith(unknown)]
    assert not [name for name in found.names if name.startswith(unknown)]
