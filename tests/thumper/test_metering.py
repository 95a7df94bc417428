"""thumper/metering.py: numbers as prometheus_client's own would be, and a server that is never a reason to die."""

import socket
import threading

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.openmetrics import parser
from prometheus_client.openmetrics.exposition import generate_latest as open_text
from structlog.testing import capture_logs

from tests.processes import free_port
from tests.scrape import Scrape, scrape
from thumper.metering import Board, make_registry, served
from thumper.metric import Metric
from thumper.metrics import METRICS
from thumper.settings import Settings

COUNT = Metric("thumper_things_total", "counter", "things", ("api",), ("kind", "place"), "Things.")
LEVEL = Metric("thumper_level", "gauge", "metres", ("api",), (), "How high.")
SPREAD = Metric("thumper_wait_seconds", "histogram", "seconds", ("api",), ("kind",), "Waits.", (0.1, 1.0, 10.0))
NASTY = 'a "b"\\ \n c'


def text_of(*boards: Board) -> str:
    registry = CollectorRegistry()
    for board in boards:
        registry.register(board)
    return generate_latest(registry).decode()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none yet"),
        pytest.param([0.0, 0.1, 0.10000001, 1.0, 10.0, 10.1, 1e9], id="at and beside each bound"),
        pytest.param([3.0] * 50, id="one bucket"),
    ],
)
def test_the_same_text_as_prometheus_clients_own(values: list[float]) -> None:
    board, registry = Board(), CollectorRegistry()
    theirs = Histogram(SPREAD.name, SPREAD.help, SPREAD.labels, buckets=SPREAD.buckets, registry=registry)
    count = Counter(COUNT.name, COUNT.help, COUNT.labels, registry=registry)
    ours, child = board.spread(SPREAD, NASTY), theirs.labels(NASTY)
    count.labels("x", NASTY).inc(2)
    board.add(COUNT, "x", NASTY, count=2)
    for value in values:
        ours.add(value)
        child.observe(value)
    expected = [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]
    assert sorted(text_of(board).splitlines()) == sorted(expected)
    assert Scrape(text_of(board)).one(COUNT.name, place=NASTY) == 2


def test_a_number_is_shown_from_the_first_time_that_it_is_asked_for() -> None:
    board = Board()
    assert text_of(board) == ""
    board.value(LEVEL).now = -2.5
    board.value(COUNT, "x", "y")
    found = Scrape(text_of(board))
    assert (found.one(LEVEL.name), found.one(COUNT.name)) == (-2.5, 0)
    assert found.kinds == {"thumper_level": "gauge", "thumper_things": "counter"}


def test_nothing_is_lost_between_threads() -> None:
    board = Board()
    spread = board.spread(SPREAD, "x")

    def work() -> None:
        for _ in range(5_000):
            with board.lock:
                spread.add(0.5)
            board.add(COUNT, "x", "y")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = Scrape(text_of(board))  # what is shown meanwhile fits together
        counts = found.all("thumper_wait_seconds_count")
        assert found.all("thumper_wait_seconds_sum") == [count * 0.5 for count in counts]
    for thread in threads:
        thread.join()
    found = Scrape(text_of(board))
    assert (found.total("thumper_wait_seconds_count"), found.total(COUNT.name)) == (20_000, 20_000)


def test_labels_that_do_not_fit_are_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="kind"):
        Board().value(COUNT, "x")


def test_every_declared_metric_can_be_shown() -> None:
    board = Board()
    for metric in METRICS:
        labels = ["x"] * len(metric.labels)
        board.spread(metric, *labels) if metric.kind == "histogram" else board.value(metric, *labels)
    wanted = {metric.name.removesuffix("_total"): metric.kind for metric in METRICS}
    assert Scrape(text_of(board)).kinds == wanted
    registry = CollectorRegistry()
    registry.register(board)
    # This reader refuses what Prometheus' own forgives.
    strict = list(parser.text_string_to_metric_families(open_text(registry).decode()))  # type: ignore[no-untyped-call]
    assert {family.name: family.type for family in strict} == wanted
    assert {family.unit for family in strict if family.name.endswith("_seconds")} == {"seconds"}


def test_registries_share_nothing() -> None:
    one, other = Board(), Board()
    one.add(LEVEL, count=1)
    first, second = make_registry(one), make_registry(other)
    assert "thumper_level 1.0" in generate_latest(first).decode()
    assert "thumper_level" not in generate_latest(second).decode()


def test_it_is_served_for_as_long_as_it_lasts() -> None:
    board, settings = Board(), Settings(metrics_port=free_port())
    board.add(LEVEL, count=4)
    address = f"http://127.0.0.1:{settings.metrics_port}/metrics"
    with served(settings, make_registry(board)):
        assert scrape(address).one(LEVEL.name) == 4
    with pytest.raises(OSError, match="refused"):
        scrape(address)


def test_port_0_serves_nothing() -> None:
    before = threading.active_count()
    with capture_logs() as lines, served(Settings(), make_registry()):
        assert threading.active_count() == before
    assert lines == []


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_cannot_be_had_is_named_and_the_work_goes_on(host: str) -> None:
    worked = False
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(metrics_host=host, metrics_port=port)
        with capture_logs() as lines, served(settings, make_registry()):
            worked = True
    (line,) = lines
    assert worked
    assert (line["log_level"], line["address"]) == ("warning", f"{host}:{port}")
    assert line["error"]
    assert "THUMPER_METRICS_PORT" in line["hint"]
