"""The numbers behind a process's metrics, and the server that shows them. Nothing here is global."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, start_http_server
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from thumper.metric import Family, Labels, Metric
from thumper.settings import Settings

log = structlog.get_logger("thumper.metrics")


class Value:
    """The number of a counter or a gauge."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0


class Spread:
    """The numbers of a histogram. A quarter of the time that prometheus_client's own takes: detectors count by it."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count `value`."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def show(self, family: HistogramMetricFamily, labels: Labels) -> None:
        """Put the samples into `family`."""
        buckets, total = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric(labels, buckets, self._sum)


class Board:
    """All counters, gauges and histograms of one process. For any thread.

    lock: to be held while a Value or a Spread is changed, so that several may be changed for the price of one.
    A prometheus_client Collector.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self._numbers: dict[Metric, dict[Labels, Value | Spread]] = {}

    def value(self, metric: Metric, *labels: str) -> Value:
        """The number of `metric` with these label values; shown from the first call on. Not with the lock held."""
        found = self._number(metric, labels)
        assert isinstance(found, Value)  # noqa: S101 - by the metric's kind
        return found

    def spread(self, metric: Metric, *labels: str) -> Spread:
        """The same of a histogram."""
        found = self._number(metric, labels)
        assert isinstance(found, Spread)  # noqa: S101 - by the metric's kind
        return found

    def add(self, metric: Metric, *labels: str, count: float = 1.0) -> None:
        """Add to a counter that is not counted often."""
        value = self.value(metric, *labels)
        with self.lock:
            value.now += count

    def collect(self) -> Iterator[Family]:
        """Every metric as it is now."""
        with self.lock:
            families = [_shown(metric, numbers) for metric, numbers in self._numbers.items()]
        yield from families

    def _number(self, metric: Metric, labels: Labels) -> Value | Spread:
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}")
        with self.lock:
            numbers = self._numbers.setdefault(metric, {})
            if labels not in numbers:
                numbers[labels] = Spread(metric.buckets) if metric.kind == "histogram" else Value()
            return numbers[labels]


def _shown(metric: Metric, numbers: Mapping[Labels, Value | Spread]) -> Family:
    if metric.kind != "histogram":
        return metric.shown({labels: number.now for labels, number in numbers.items() if isinstance(number, Value)})
    family = metric.histogram()
    for labels, number in numbers.items():
        if isinstance(number, Spread):
            number.show(family, labels)
    return family


def make_registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of these, and of the process itself (memory, processor time, open files; on Linux only)."""
    registry = CollectorRegistry()
    PlatformCollector(registry=registry)
    ProcessCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry


@contextmanager
def served(settings: Settings, registry: CollectorRegistry) -> Iterator[None]:
    """Serve `registry` at THUMPER_METRICS_HOST and THUMPER_METRICS_PORT while this lasts; port 0: do not.

    A port that cannot be had is said, and no reason not to work.
    """
    host, port = settings.metrics_host, settings.metrics_port
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        log.warning(
            "metrics are not served",
            address=f"{host}:{port}",
            error=error.strerror or str(error),
            hint="set THUMPER_METRICS_PORT to a free port, or to 0 for none",
        )
        yield
        return
    log.info("metrics are served", address=f"http://{host}:{port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
