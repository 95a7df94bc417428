"""The detector's stage: order, outcomes, refusals, store and device troubles, drain and discard."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Event

import pytest
from structlog.testing import capture_logs

from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.fixed import FixedDetector
from processors.detector.frame import Frame
from processors.detector.stage import DetectorStage
from schemas.codec import decode
from schemas.detection import DetectionCompleted, DetectionFailed
from tests.contracts.stage import StageContract, collect, records_of, until
from tests.processors.detector.fakes import Counts, Held, Pictures, config, stage_of
from tests.processors.detector.pictures import RED, imported, picture, requested, uri
from thumper.clock import SteppedClock, SystemClock
from thumper.errors import Fatal, ModelError, NewerEvent, PictureError, StoreDown
from thumper.record import Done, Partition, Record
from thumper.stage import Stage

WIDE = picture((64, 48), [((0, 0, 30, 30), RED)])
TALL = picture((48, 64))
GONE = picture((32, 32))
MORE_WIDE = [picture((64, 48), [((0, 0, side, side), RED)]) for side in (5, 10, 15)]
OTHER_MODEL = "ffffffffffffffff"


@pytest.fixture
def detector() -> Held:
    return Held()


@pytest.fixture
def reader() -> Pictures:
    return Pictures(WIDE, TALL)


@pytest.fixture
def stage(detector: Held, reader: Pictures) -> Iterator[DetectorStage]:
    opened = stage_of(detector, reader)
    detector.sizes.clear()
    detector.entered.clear()
    yield opened
    detector.go.set()
    opened.close()


def outcomes(found: list[Done]) -> list[DetectionCompleted | DetectionFailed]:
    return [decode("detections", output.value) for done in found for output in done.outputs]


def submit(stage: Stage, *records: Record) -> None:
    for record in records:
        stage.submit(record, SystemClock().now_s())


class TestAsAStage(StageContract):
    @pytest.fixture
    def stage(self, stage: DetectorStage) -> Stage:
        return stage

    def good(self, offset: int) -> Record:
        return imported(WIDE if offset % 3 else TALL, offset)

    def bad(self, offset: int) -> Record:
        return Record(Partition("images", 0), offset, b"{]", b"key")


class TestUnreadPicturesAsAStage(TestAsAStage):
    """The detector of nothing, for benches: pictures are not read."""

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        opened = stage_of(FixedDetector(parallel=2), Pictures(), config(read=False))
        yield opened
        opened.close()


def test_each_event_gets_one_outcome_for_its_picture(stage: DetectorStage) -> None:
    given = [imported(WIDE, 0), imported(TALL, 1), requested(WIDE, 0), imported(GONE, 2)]
    submit(stage, *given)
    found = collect(stage, 4)
    assert [one.key().encode() for one in outcomes(found)] == [record.key for record in given]
    assert [(one.origin.topic, one.origin.offset) for one in outcomes(found)] == [
        ("images", 0),
        ("images", 1),
        ("requests", 0),
        ("images", 2),
    ]
    last = outcomes(found)[3]
    assert isinstance(last, DetectionFailed)
    assert last.error_class == "missing"


def test_the_outcome_tells_size_batch_and_times(stage: DetectorStage) -> None:
    submit(stage, imported(WIDE))
    event = outcomes(collect(stage, 1))[0]
    assert isinstance(event, DetectionCompleted)
    assert (event.width_px, event.height_px) == (64, 48)
    assert event.batch is not None
    assert event.batch.size == 1
    assert event.timings.total_ms >= event.timings.decode_ms > 0
    assert event.timings.queue_ms > 0


def test_full_batches_of_one_shape_when_there_is_enough(stage: DetectorStage, detector: Held) -> None:
    detector.go.clear()
    submit(stage, imported(WIDE, 0))
    assert detector.entered.wait(10)
    submit(stage, *(imported(WIDE if offset % 2 else TALL, offset) for offset in range(1, 17)))
    until(lambda: len(reader_of(stage).reads) == 17)
    detector.go.set()
    collect(stage, 17)
    assert detector.sizes[0] == 1
    assert max(detector.sizes) == 4
    assert sum(detector.sizes) == 17


def reader_of(stage: DetectorStage) -> Pictures:
    reader = stage._reading._reader
    assert isinstance(reader, Pictures)
    return reader


def test_a_picture_alone_does_not_wait_for_company(reader: Pictures) -> None:
    detector = Held()
    stage = stage_of(detector, reader, config(most=4, wait_s=3_600.0, hang_limit_s=1e9), SteppedClock())
    detector.sizes.clear()
    submit(stage, imported(WIDE))
    assert len(records_of(collect(stage, 1))) == 1
    assert detector.sizes == [1]
    stage.close()


class SlowReader(Pictures):
    """Holds back one picture until the test lets it go."""

    def __init__(self, slow: bytes, *others: bytes) -> None:
        super().__init__(slow, *others)
        self.slow = uri(slow)
        self.go = Event()

    def __call__(self, address: str, size_bytes: int | None) -> bytes:
        if address == self.slow:
            assert self.go.wait(30)
        return super().__call__(address, size_bytes)


def test_a_batch_waits_for_what_is_being_decoded() -> None:
    pictures = SlowReader(WIDE, *MORE_WIDE)
    detector = Held()
    stage = stage_of(detector, pictures, config(most=8, wait_s=3_600.0, hang_limit_s=1e9), SteppedClock())
    detector.sizes.clear()
    for offset, data in enumerate([WIDE, *MORE_WIDE]):
        submit(stage, imported(data, offset))
    until(lambda: len(pictures.reads) == len(MORE_WIDE))
    pictures.go.set()
    collect(stage, 1 + len(MORE_WIDE))
    assert detector.sizes == [1 + len(MORE_WIDE)]
    stage.close()


def test_a_batch_does_not_wait_longer_than_it_is_told() -> None:
    pictures = SlowReader(WIDE, *MORE_WIDE)
    detector, clock = Held(), SteppedClock()
    stage = stage_of(detector, pictures, config(most=8, wait_s=5.0, hang_limit_s=1e9), clock)
    detector.sizes.clear()
    for offset, data in enumerate([WIDE, *MORE_WIDE]):
        submit(stage, imported(data, offset))
    until(lambda: len(pictures.reads) == len(MORE_WIDE))
    assert detector.sizes == []

    def entered() -> bool:
        clock.step(1.0)
        return bool(detector.sizes)

    until(entered)
    assert clock.now_s() >= 5.0
    pictures.go.set()
    collect(stage, 1 + len(MORE_WIDE))
    stage.close()


@pytest.mark.parametrize("topic", ["images", "requests"])
@pytest.mark.parametrize("value", [None, b"", b"nonsense", b'{"sha256":"no"}', b"[" * 100_000, b"x" * 1_000_000])
def test_what_cannot_be_read_becomes_a_dead_letter(stage: DetectorStage, topic: str, value: bytes | None) -> None:
    submit(stage, Record(Partition(topic, 4), 9, value, b"k", [("h", b"1")]))
    [letter] = [output for done in collect(stage, 1) for output in done.outputs]
    told = dict(letter.headers)
    assert letter.topic == "dead-letters"
    assert letter.value == (value[: len(letter.value or b"")] if value else value)
    assert told["h"] == b"1"
    assert told["__connect.errors.offset"] == b"9"
    assert told["__connect.errors.topic"] == topic.encode()


def test_a_request_for_another_model_becomes_a_dead_letter_and_one_for_ours_is_done(stage: DetectorStage) -> None:
    ours = FixedDetector().model.id
    submit(stage, requested(WIDE, 0, OTHER_MODEL), requested(WIDE, 1, ours))
    letter, outcome = [output for done in collect(stage, 2) for output in done.outputs]
    assert letter.topic == "dead-letters"
    assert OTHER_MODEL.encode() in dict(letter.headers)["__connect.errors.exception.message"]
    assert outcome.topic == "detections"


def test_an_event_of_a_newer_release_stops_its_partition_in_its_turn(stage: DetectorStage) -> None:
    newer = Record(Partition("images", 5), 1, b'{"type":"image.imported","version":"2.0","bytes":"elsewhere"}')
    submit(stage, imported(WIDE, 0), newer, imported(WIDE, 2))
    assert [record.offset for record in records_of(collect(stage, 1))] == [0]
    with pytest.raises(NewerEvent) as refusal:
        stage.poll(SystemClock().now_s())
    assert refusal.value.partition == Partition("images", 5)
    stage.discard()
    submit(stage, imported(WIDE, 2))
    assert len(outcomes(collect(stage, 1))) == 1


def error_of(stage: DetectorStage) -> Exception:
    """What poll raises, sooner or later."""
    caught: list[Exception] = []

    def raised() -> bool:
        try:
            stage.poll(SystemClock().now_s())
        except (StoreDown, Fatal) as error:
            caught.append(error)
        return bool(caught)

    until(raised)
    return caught[0]


def test_an_unreachable_store_is_raised_and_forgotten_by_discard(stage: DetectorStage, reader: Pictures) -> None:
    record = imported(WIDE, 1)
    reader.fail = {address: StoreDown("the disk is away") for address in reader.files}
    submit(stage, imported(GONE, 0), record)
    assert isinstance(error_of(stage), StoreDown)
    stage.discard()
    reader.fail.clear()
    submit(stage, record)
    assert isinstance(outcomes(collect(stage, 1))[0], DetectionCompleted)


@pytest.mark.parametrize("error_class", ["missing", "integrity", "forbidden_path", "too_large", "read"])
def test_a_picture_that_cannot_be_read_does_not_stop_the_others(
    stage: DetectorStage, reader: Pictures, error_class: str
) -> None:
    address = next(address for address, data in reader.files.items() if data == TALL)
    reader.fail[address] = PictureError(error_class, "no")  # type: ignore[arg-type]
    submit(stage, imported(WIDE, 0), imported(TALL, 1), imported(WIDE, 2))
    first, second, third = outcomes(collect(stage, 3))
    assert isinstance(second, DetectionFailed)
    assert second.error_class == error_class
    assert isinstance(first, DetectionCompleted)
    assert isinstance(third, DetectionCompleted)


def test_bytes_that_are_no_picture_fail_alone(stage: DetectorStage, reader: Pictures) -> None:
    text = b"no picture at all"
    reader.files |= Pictures(text).files
    submit(stage, imported(text, 0), imported(WIDE, 1))
    first, second = outcomes(collect(stage, 2))
    assert isinstance(first, DetectionFailed)
    assert first.error_class == "decode"
    assert isinstance(second, DetectionCompleted)


def is_red(frame: Frame) -> bool:
    return bool((frame.pixels[:, :, 0] > 200).any()) and frame.letterbox.source_width == 64


def test_a_picture_on_which_inference_fails_does_not_harm_its_batch(stage: DetectorStage, detector: Held) -> None:
    other = picture((64, 48))
    reader_of(stage).files |= Pictures(other).files

    def mood(frames: Sequence[Frame]) -> None:
        if any(is_red(frame) for frame in frames):
            raise ValueError("this one is too much")

    detector.mood = mood
    submit(stage, imported(other, 0), imported(WIDE, 1), imported(other, 2))
    first, second, third = outcomes(collect(stage, 3))
    assert isinstance(second, DetectionFailed)
    assert (second.error_class, second.error_message) == ("inference", "this one is too much")
    assert isinstance(first, DetectionCompleted)
    assert isinstance(third, DetectionCompleted)


def test_a_picture_for_which_there_is_no_memory_even_alone(stage: DetectorStage, detector: Held) -> None:
    def mood(frames: Sequence[Frame]) -> None:
        if any(is_red(frame) for frame in frames):
            raise OutOfMemory("too little")

    detector.mood = mood
    submit(stage, imported(WIDE, 0), imported(TALL, 1))
    first, second = outcomes(collect(stage, 2))
    assert isinstance(first, DetectionFailed)
    assert first.error_class == "oom"
    assert isinstance(second, DetectionCompleted)


def test_a_device_that_fails_on_the_self_test_too_fails_the_process_and_no_picture(
    stage: DetectorStage, detector: Held
) -> None:
    def mood(frames: Sequence[Frame]) -> None:
        raise ValueError("nothing works any more")

    detector.mood = mood
    submit(stage, imported(WIDE, 0))
    error = error_of(stage)
    assert isinstance(error, Fatal)
    assert "self-test" in str(error)
    assert stage.in_flight() == 1
    stage.discard()
    assert isinstance(error_of(stage), Fatal)


def test_a_batch_that_hangs_fails_the_process(reader: Pictures) -> None:
    clock, detector = SteppedClock(), Held()
    stage = stage_of(detector, reader, config(wait_s=0.0, hang_limit_s=60.0), clock)
    detector.go.clear()
    detector.entered.clear()
    stage.submit(imported(WIDE), clock.now_s())
    assert detector.entered.wait(10)
    clock.step(59.0)
    assert stage.poll(clock.now_s()) is None
    clock.step(2.0)
    with pytest.raises(Fatal, match="longer than 60 s"):
        stage.poll(clock.now_s())
    detector.go.set()
    stage.close()


def test_drain_stops_at_its_deadline_and_leaves_the_rest(stage: DetectorStage, detector: Held) -> None:
    detector.go.clear()
    submit(stage, imported(WIDE, 0))
    assert list(stage.drain(SystemClock().now_s() + 0.05)) == []
    assert stage.in_flight() == 1
    detector.go.set()
    collect(stage, 1)


def test_drain_closes_batches_at_once(reader: Pictures) -> None:
    clock = SystemClock()
    stage = stage_of(Held(), reader, config(most=100, wait_s=60.0))
    submit(stage, *(imported(WIDE, offset) for offset in range(3)))
    assert len(records_of(list(stage.drain(clock.now_s() + 20)))) == 3
    stage.close()


def test_drain_does_not_raise_what_the_next_poll_will(stage: DetectorStage, reader: Pictures) -> None:
    reader.fail = {address: StoreDown("away") for address in reader.files}
    submit(stage, imported(WIDE, 0))
    assert list(stage.drain(SystemClock().now_s() + 20)) == []
    with pytest.raises(StoreDown):
        stage.poll(SystemClock().now_s())


def test_what_fails_after_it_was_discarded_troubles_nobody() -> None:
    entered, go = Event(), Event()
    pictures = Pictures(TALL)

    def reader(address: str, size_bytes: int | None) -> bytes:
        if address == uri(TALL):
            return pictures(address, size_bytes)
        entered.set()
        assert go.wait(30)
        raise StoreDown("late")

    stage = stage_of(Held(), reader, replace(config(), decode_threads=1))
    submit(stage, imported(WIDE, 0))
    assert entered.wait(10)
    stage.discard()
    submit(stage, imported(TALL, 1))
    go.set()
    assert isinstance(outcomes(collect(stage, 1))[0], DetectionCompleted)
    assert stage.poll(SystemClock().now_s()) is None
    stage.close()


def test_a_model_that_cannot_be_loaded_is_said_at_once(reader: Pictures) -> None:
    class Unloadable(Held):
        def open(self) -> None:
            raise ModelError("no weights", "give some")

    with pytest.raises(ModelError):
        stage_of(Unloadable(), reader)


def test_close_closes_the_detector(detector: Held, reader: Pictures) -> None:
    stage = stage_of(detector, reader)
    stage.close()
    assert detector.closed


def test_each_picture_leaves_a_line_in_the_log() -> None:
    with capture_logs() as lines:
        stage = stage_of(Held(), Pictures(WIDE))
        submit(stage, imported(WIDE, 0, location="270_Jason"), imported(GONE, 1))
        collect(stage, 2)
        stage.close()
    complete = next(line for line in lines if line["event"] == "Detection complete")
    assert complete["location"] == "270_Jason"
    assert {"image_id", "count", "milliseconds"} <= complete.keys()
    failed = next(line for line in lines if line["event"] == "Detection failed")
    assert failed["error_class"] == "missing"


def test_figures_are_told() -> None:
    counts = Counts()
    stage = DetectorStage(Held(), Pictures(WIDE), config(), SystemClock(), counts)
    stage.open()
    submit(stage, imported(WIDE, 0), imported(GONE, 1))
    collect(stage, 2)
    stage.close()
    assert sorted(str(error_class) for error_class, _ in counts.outcomes) == ["None", "missing"]
    assert counts.batches == [1]
