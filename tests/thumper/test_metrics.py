"""thumper/metrics.py: names as Prometheus wants them, each once."""

import pytest

from thumper.metric import Metric
from thumper.metrics import METRICS


def test_every_name_is_declared_once() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    assert "kafka_consumergroup_lag" in names


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_declaration_follows_the_conventions(metric: Metric) -> None:
    assert metric.name.startswith(("thumper_", "kafka_consumergroup_", "kafka_topic_partition_"))
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert (metric.unit == "seconds") == ("_seconds" in metric.name)
    assert metric.help.endswith(".")
    assert not set(metric.labels) & {"le", "instance", "job"}, "these are Prometheus' own"
    assert metric.served
