"""What a metric is: its declaration, and how it becomes samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

Kind = Literal["counter", "gauge", "histogram"]
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
# The values of a metric's labels, in their order.
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """served: the processes that have it. buckets: upper bounds of a histogram, without infinity."""

    name: str
    kind: Kind
    unit: str
    served: tuple[str, ...]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()

    def shown(self, samples: Mapping[Labels, float]) -> Family:
        """A counter or gauge with its samples by the values of its labels. Absent ones are simply not there."""
        family = _PLAIN[self.kind](self.name, self.help, labels=self.labels, unit=self._unit)
        for labels, value in samples.items():
            family.add_metric(labels, value)
        return family

    def histogram(self) -> HistogramMetricFamily:
        """An empty histogram."""
        return HistogramMetricFamily(self.name, self.help, labels=self.labels, unit=self._unit)

    @property
    def _unit(self) -> str:
        """OpenMetrics takes a unit only where the name ends with it."""
        return self.unit if self.name.removesuffix("_total").endswith(f"_{self.unit}") else ""


_PLAIN: dict[Kind, type[CounterMetricFamily | GaugeMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}
