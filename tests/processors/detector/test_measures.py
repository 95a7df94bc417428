"""processors/detector/measures.py: what is counted of pictures and batches, of tries again, and of a full device."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.fixed import FixedDetector, description
from processors.detector.frame import Frame
from processors.detector.measures import DetectorMeasures, MeasuredDetector
from processors.detector.reading import Reading
from processors.detector.stage import DetectorStage
from schemas.detection import Timings
from tests.contracts.detector import DetectorContract
from tests.contracts.stage import collect
from tests.processors.detector.fakes import Held, Pictures, config
from tests.processors.detector.pictures import imported, picture
from tests.processors.detector.test_reading import Script, task_of
from tests.scrape import Scrape
from thumper.clock import SteppedClock, SystemClock
from thumper.errors import PictureError, StoreDown
from thumper.metering import Board

MODEL = description().ref
PICTURE = picture((64, 48))
GONE = picture((32, 32))


def shown(board: Board) -> Scrape:
    registry = CollectorRegistry()
    registry.register(board)
    return Scrape(generate_latest(registry).decode())


def test_pictures_by_outcome_and_batches_beside_them() -> None:
    board = Board()
    measures = DetectorMeasures(board, MODEL)
    assert shown(board).one("thumper_detector_images_total", outcome="completed") == 0
    for _ in range(3):
        measures.outcome(None, Timings(queue_ms=2_000, read_ms=1, decode_ms=5, infer_ms=4, total_ms=30))
    measures.outcome("decode", Timings(queue_ms=2_000, read_ms=1, total_ms=2))
    measures.outcome("missing", Timings(queue_ms=2_000, total_ms=1))
    measures.batch(3, 0.5)
    found = shown(board)
    assert found.by("thumper_detector_images_total", "outcome") == {"completed": 3, "decode": 1, "missing": 1}
    assert found.total("thumper_detector_images_total", model=MODEL.name, version=MODEL.id) == 5
    assert found.one("thumper_detector_batches_total") == 1
    assert found.one("thumper_detector_batch_size_sum") == 3
    assert found.one("thumper_detector_batch_size_bucket", le="2.0") == 0
    assert found.one("thumper_detector_batch_size_bucket", le="4.0") == 1
    assert found.one("thumper_detector_infer_seconds_sum") == 0.5
    steps = ("queue", "read", "decode", "picture")
    counts = {step: found.one(f"thumper_detector_{step}_seconds_count") for step in steps}
    assert counts == {"queue": 5, "read": 4, "decode": 3, "picture": 5}, "only the steps that a picture came to"
    assert found.one("thumper_detector_queue_seconds_sum") == pytest.approx(10.0)
    assert found.one("thumper_detector_decode_seconds_sum") == pytest.approx(0.015)


def test_a_quick_picture_counts_in_every_step() -> None:
    board = Board()
    DetectorMeasures(board, MODEL).outcome(None, Timings(total_ms=1))
    assert shown(board).one("thumper_detector_read_seconds_count") == 1


@pytest.mark.parametrize(
    ("steps", "counted"),
    [
        pytest.param((PICTURE,), 0, id="read at once"),
        pytest.param((OSError("busy"), TimeoutError("slow"), PICTURE), 2, id="read the third time"),
        pytest.param((OSError("broken"),), 3, id="given up"),
        pytest.param((PictureError("missing", "gone"),), 0, id="a picture's fault is not tried again"),
        pytest.param((StoreDown("away"),), 0, id="nor is a store that is away"),
    ],
)
def test_tries_that_failed_are_counted(steps: Sequence[bytes | Exception], counted: int) -> None:
    board, script = Board(), Script(*steps)
    reading = Reading(DetectorMeasures(board, MODEL).reader(script), SteppedClock())
    if isinstance(steps[-1], bytes):
        assert reading.fetch(task_of(PICTURE)) == PICTURE
    else:
        with pytest.raises((PictureError, StoreDown)):
            reading.fetch(task_of(PICTURE))
    assert shown(board).one("thumper_detector_read_errors_total") == counted


def test_a_stage_tells_what_it_did_with_a_device_that_has_room_for_two() -> None:
    def mood(frames: Sequence[Frame]) -> None:
        if len(frames) > 2:
            raise OutOfMemory("too little")

    board, device = Board(), Held()
    measures = DetectorMeasures(board, MODEL)
    pictures = measures.reader(Pictures(PICTURE))
    stage = DetectorStage(MeasuredDetector(device, measures), pictures, config(most=8), SystemClock(), measures)
    stage.open()
    device.mood = mood
    stage.submit(imported(GONE, 0), SystemClock().now_s())
    for offset in range(1, 17):
        stage.submit(imported(PICTURE, offset), SystemClock().now_s())
    collect(stage, 17)
    stage.close()
    assert device.closed
    found = shown(board)
    assert found.by("thumper_detector_images_total", "outcome") == {"completed": 16, "missing": 1}
    assert found.one("thumper_detector_batch_size_sum") == 16
    assert found.one("thumper_detector_batch_size_count") == found.one("thumper_detector_batches_total")
    assert found.one("thumper_detector_out_of_memory_total") == sum(size > 2 for size in device.sizes) > 0


class TestMeasuredDetector(DetectorContract):
    """It is a detector like any other."""

    @pytest.fixture
    def detector(self) -> MeasuredDetector:
        found = MeasuredDetector(FixedDetector(), DetectorMeasures(Board(), MODEL))
        found.open()
        return found
