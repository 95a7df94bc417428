"""The benchmark of one picture alone: its parts sum to the whole, and a failed one is noticed."""

from pathlib import Path

import pytest

from benchmarks.latency import QUESTIONS, Seen, one_by_one, percentile, rows, seen_at, stored
from benchmarks.parts import Parts
from benchmarks.turns import SideFailed
from cli.wiring import before_apps
from tests.processors.detector.pictures import RED, picture
from thumper.settings import Settings


def test_the_parts_sum_to_the_whole() -> None:
    seen = seen_at(1_000.0, 1_100.0, (5.0, 1.0, 8.0, 20.0, 30.0, 1_004.0, 1_050.0))
    assert seen == Seen(send=4.0, queue=5.0, read=1.0, decode=8.0, company=1.0, infer=20.0, answer=11.0, record=50.0)
    assert seen.whole == 100.0


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)],
)
def test_percentiles(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def alone(record_ms: float, infer_ms: float = 20.0) -> Seen:
    return Seen(0.0, 0.0, 0.0, 0.0, 0.0, infer_ms, 0.0, record_ms)


def test_the_median_is_beside_the_model_and_the_slowest_are_not() -> None:
    middle, slow = rows(QUESTIONS[0], [alone(59.0)] * 98 + [alone(281.0)] * 2)
    assert (middle.name, middle.value, middle.peer_value, middle.holds) == ("latency_p50", 79.0, 80.0, True)
    assert (slow.name, slow.value, slow.peer_value, slow.holds) == ("latency_p99", 301.0, 300.0, False)


@pytest.fixture
def parts_run(settings: Settings, tmp_path: Path) -> Settings:
    before_apps(settings)
    return settings


@pytest.mark.integration
def test_pictures_one_by_one_and_one_that_fails(parts_run: Settings, tmp_path: Path) -> None:
    for name, data in (("1.jpg", picture((64, 48), [((5, 5, 30, 30), RED)])), ("2.JPG", picture((48, 64)))):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    good = stored(parts_run, [tmp_path / "1.jpg", tmp_path / "2.JPG"])
    with Parts(parts_run, tmp_path / "logs", {}) as parts:
        parts.start("sink", "--name", "sink").wait_ready()
        parts.start("detector", "--name", "detector-1").wait_ready()
        seen = one_by_one(parts_run, good)
        assert len(seen) == 2
        assert all(one.infer > 0 and one.record > 0 for one in seen)
        with pytest.raises(SideFailed, match="failed outcome"):
            one_by_one(parts_run, stored(parts_run, [tmp_path / "broken.jpg"]))
