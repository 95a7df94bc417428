"""A whole pipeline in one test's hands: real topics and tables, with a detector and a sink that move when told."""

import hashlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from confluent_kafka import TopicPartition

from schemas.codec import decode
from schemas.detection import Box, DetectionCompleted, DetectionFailed, ModelRef, Outcome, Runtime, SourceRef
from schemas.fact import LocationStated, ModelActivated, ModelAdded
from schemas.image import ImageImported, image_id
from sinks.postgres.fold import fold
from sinks.postgres.migrate import migrate
from sinks.postgres.writer import PostgresWriter
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_consumer, make_reader
from thumper.lag import LagReader
from thumper.record import Partition, Record
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK, ensure_topics

MODEL = ModelRef(id="model-1", name="demo", weights_sha256="0" * 64, input_px=640)
DOE = Box(class_id=3, class_name="doe", confidence=0.9, x1=0.1, y1=0.2, x2=0.5, y2=0.6)
FAINT = Box(class_id=1, class_name="pig", confidence=0.2, x1=0.0, y1=0.0, x2=0.3, y2=0.3)


@dataclass
class World:
    """emitter, lags: the real ones. sink_at: how far the sink has come."""

    settings: Settings
    emitter: Emitter
    writer: PostgresWriter
    lags: LagReader
    sink_at: dict[Partition, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def activate_model(self, model: ModelRef = MODEL) -> None:
        """State that `model` exists, shows from 0.5 on, and is the active one."""
        classes = ("cattle", "pig", "raccoon", "doe")
        added = ModelAdded(
            type="model.added",
            model=model,
            classes=classes,
            store_threshold=0.05,
            display_threshold=0.5,
            iou=0.45,
            max_boxes=20,
        )
        self.emitter.emit("facts", added)
        self.emitter.emit("facts", ModelActivated(type="model.activated", model_id=model.id))
        self.emitter.flush(10)

    def add_pictures(self, count: int, location: str | None = "Hayfield", data: bytes | None = None) -> list[UUID]:
        """Emit `count` pictures; `data`: the bytes of a single one."""
        start = self.lags.ends(["images"])
        first = sum(start.values())
        found = []
        for number in range(first, first + count):
            content = data if data is not None else f"picture {number}".encode()
            sha256 = hashlib.sha256(content).hexdigest()
            captured = (
                None
                if number % 10 == 9
                else f"2026-11-{1 + number // 1_440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00"
            )
            event = ImageImported.model_validate(
                {
                    "sha256": sha256,
                    "uri": f"store:///{sha256[:2]}/{sha256}.jpg",
                    "size_bytes": len(content),
                    "media_type": "image/jpeg",
                    "filename": f"IMG_{number:04}.JPG",
                    "location": location,
                    "captured_at": captured,
                }
            )
            self.emitter.emit("images", event)
            found.append(image_id(sha256))
        if location is not None:
            self.emitter.emit(
                "facts", LocationStated(type="location.stated", name=location, latitude=29.8, longitude=-97.3)
            )
        self.emitter.flush(10)
        return found

    def record(self) -> None:
        """The sink takes in all that is in the log, and commits."""
        with self._lock:
            ends = self.lags.ends(RECORDED)
            records = self._read(ends, self.sink_at)
            if records:
                self.writer.write(fold([(record, decode(record.partition.topic, record.value)) for record in records]))
            self.sink_at = ends
            self._commit("sink", self.sink_at)

    @contextmanager
    def sinking(self) -> Iterator[None]:
        """The sink works by itself meanwhile."""
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(0.05):
                self.record()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def detect(self, failing: Collection[UUID] = (), boxes: Sequence[Box] = (DOE, FAINT), most: int = 10**9) -> int:
        """The detector answers up to `most` events of `images` and `requests`, and commits; how many."""
        at = {part.partition: part.position for part in self.lags.read("detector", WORK).partitions}
        records = self._read(self.lags.ends(WORK), at)[:most]
        for record in records:
            self.emitter.emit("detections", _outcome(record, failing, boxes))
            at[record.partition] = record.offset + 1
        self.emitter.flush(10)
        self._commit("detector", at)
        return len(records)

    def reset_detector(self) -> None:
        """Back to the log's start, as the stock tool does."""
        self._commit("detector", self.lags.starts(["images"]))

    def requests(self) -> list[Record]:
        """All that was ever asked."""
        return self._read(self.lags.ends(["requests"]), {})

    def _read(self, ends: Mapping[Partition, int], start: Mapping[Partition, int]) -> list[Record]:
        """Everything from `start` to `ends`, by partition and offset."""
        names = Names(self.settings)
        wanted = sum(end - start.get(part, 0) for part, end in ends.items())
        reader = make_reader(self.settings)
        found: list[Record] = []
        try:
            reader.assign([TopicPartition(names.topic(p.topic), p.number, start.get(p, 0)) for p in ends])
            while len(found) < wanted:
                message = reader.poll(10)
                assert message is not None, f"{wanted - len(found)} records do not come"
                assert message.error() is None, message.error()
                value = message.value()
                assert isinstance(value, bytes)
                part = Partition(names.own(message.topic() or ""), message.partition() or 0)
                record = Record(part, message.offset() or 0, value, timestamp_ms=message.timestamp()[1])
                if record.offset < ends[part]:
                    found.append(record)
        finally:
            reader.close()
        return sorted(found, key=lambda record: (record.partition, record.offset))

    def _commit(self, group: str, offsets: Mapping[Partition, int]) -> None:
        names, member = Names(self.settings), make_consumer(self.settings, group)
        try:
            places = [TopicPartition(names.topic(part.topic), part.number, at) for part, at in offsets.items()]
            member.commit(offsets=places, asynchronous=False)
        finally:
            member.close()


def _outcome(record: Record, failing: Collection[UUID], boxes: Sequence[Box]) -> Outcome:
    event = decode(record.partition.topic, record.value)
    known = {
        "image_id": event.image,
        "group": "detector",
        "model": MODEL,
        "origin": SourceRef.model_validate(
            {
                "topic": record.partition.topic,
                "partition": record.partition.number,
                "offset": record.offset,
                "event_id": event.id or f"{record.partition.topic}-{record.partition.number}-{record.offset}",
                "timestamp_ms": record.timestamp_ms,
            }
        ),
        "worker": "detector-1",
        "runtime": Runtime(backend="fixed", version="1", device="cpu", precision="f32"),
    }
    if event.image in failing:
        why = {"error_class": "decode", "error_message": "not an image"}
        return DetectionFailed.model_validate({"type": "detection.failed", **known, **why})
    size = {"width_px": 640, "height_px": 480, "boxes": tuple(boxes)}
    return DetectionCompleted.model_validate({"type": "detection.completed", **known, **size})


@contextmanager
def open_world(settings: Settings) -> Iterator[World]:
    """Topics and tables made, clients closed at the end."""
    ensure_topics(settings)
    migrate(settings)
    with ExitStack() as stack:
        engine = make_engine(settings)
        stack.callback(engine.dispose)
        writer = PostgresWriter(engine)
        stack.callback(writer.close)
        emitter = stack.enter_context(Emitter(settings))
        lags = settled(settings)
        stack.callback(lags.close)
        yield World(settings, emitter, writer, lags)


def settled(settings: Settings) -> LagReader:
    """A reader of positions, once every partition of the new topics has its leader."""
    lags, clock = LagReader(settings), SystemClock()
    give_up_s = clock.now_s() + 20
    while True:
        try:
            lags.ends(RECORDED)
        except KafkaDown:
            assert clock.now_s() < give_up_s, "the new topics get no leaders"
            clock.sleep(0.05)
        else:
            return lags
