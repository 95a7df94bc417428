"""What the routes answer, with examples."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")
Count = Annotated[int, Field(ge=0)]
TraceWhere = Literal[
    "unknown", "arriving", "waiting", "reset", "answered", "completed", "failed", "dead letter", "removed"
]
LagWord = Literal["OK", "WARN", "STOP", "STALL", "REWIND"]
GroupLagWord = Literal["OK", "WARN", "ERR", "NOTFOUND"]
PictureStatus = Literal["pending", "completed", "failed"]
_ID = "4b4f6f3e-8f43-5a0e-9d0a-6a1d5c0f8a11"
_PLACE = "2c1f3d5a-77ad-5f7e-8b0e-0d8a4f1f9f10"


class Answer(BaseModel):
    """The base of all answers: what is not declared is not sent."""

    model_config = ConfigDict(extra="forbid")


class Health(Answer):
    """`parts`: each thing that this depends on, and "ok" or what is wrong with it."""

    status: Literal["healthy", "unhealthy"]
    parts: dict[str, str] = Field(examples=[{"kafka": "ok", "database": "ok"}])
    workers: Count = Field(description="live detectors, by their heartbeats; none is no fault of this API")


class ProcessingStatus(Answer):
    """The predecessor's numbers, in pictures: pending + processing + completed + failed = total."""

    total: Count = Field(examples=[23934])
    pending: Count = Field(examples=[1200])
    processing: Count = Field(examples=[34])
    completed: Count = Field(examples=[22690])
    failed: Count = Field(examples=[10])
    location_id: UUID | None = Field(examples=[None])
    completion_rate: float = Field(examples=[94.8], description="completed of total in percent, two decimals")


class LocationNumbers(ProcessingStatus):
    """One location's numbers. Pictures in hand are shared out by waiting work, for heartbeats name no places."""

    name: str | None = Field(examples=["Hayfield"])


class FullStatus(ProcessingStatus):
    """The numbers, what they mean, and the same for each location (pictures not yet registered aside)."""

    state: Literal["Idle", "Active", "Stuck", "Replaying", "Paused"]
    unregistered: Count = Field(description="pictures in the log that the sink has not recorded yet; part of pending")
    lag: Count = Field(description="offsets of `images` that the detector has still to consume")
    locations: list[LocationNumbers]


class BatchRequest(Answer):
    """Which pictures to queue; without it, those that the query says."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"image_ids": [_ID]}]})

    image_ids: Annotated[list[UUID], Field(max_length=10_000)] | None = None


class BatchQueued(Answer):
    """queued_count: selected pictures that are in the pipeline now; task_ids: one for each of them."""

    queued_count: Count = Field(examples=[2])
    task_ids: list[str] = Field(examples=[["images-3-1742", "9a0d6a1d-5c0f-5a11-8f43-4b4f6f3e5a0e"]])
    location_id: UUID | None = Field(examples=[None])
    status_filter: str = Field(examples=["pending"])
    message: str = Field(examples=["2 pictures are in the pipeline: 1 asked for now, 1 was waiting already"])


class Retried(Answer):
    """matched: failed pictures that are meant, by error class too; queued: those that are in the pipeline now."""

    matched: Count = Field(examples=[12])
    by_class: dict[str, int] = Field(examples=[{"missing": 10, "decode": 2}])
    queued: Count = Field(examples=[12])


class GroupState(Answer):
    """What is wanted of a consumer group; members: how many it has at present."""

    group: str = Field(examples=["detector"])
    wanted: Literal["running", "paused", "draining"]
    wanted_by: str | None = Field(examples=["thumper pause"])
    members: Count


class Page(Answer, Generic[Item]):
    """next: pass it as `cursor` for the page after this one; None on the last."""

    items: list[Item]
    next: str | None = Field(description="the next page's cursor, or null")


class Box(Answer):
    """Corners relative to the upright picture, in [0, 1], origin top left."""

    class_id: int
    class_name: str = Field(examples=["doe"])
    confidence: float = Field(examples=[0.91])
    x1: float
    y1: float
    x2: float
    y2: float


class Picture(Answer):
    """A picture in a list. taken_at: the place's local time. detection_count: at or above the confidence asked for."""

    image_id: UUID
    filename: str | None = Field(examples=["IMG_0042.JPG"])
    path: str | None = Field(examples=["Hayfield/IMG_0042.JPG"])
    location_id: UUID | None
    location: str | None = Field(examples=["Hayfield"])
    taken_at: datetime | None
    width_px: int | None
    height_px: int | None
    status: PictureStatus
    error_class: str | None
    error_message: str | None
    detection_count: Count


class Place(Answer):
    """Where else a picture was found."""

    location_id: UUID | None
    location: str | None
    path: str


class PictureDetail(Answer):
    """All that is known of a picture, and what the active model saw in it."""

    image_id: UUID
    sha256: str
    size_bytes: int | None
    media_type: str | None
    filename: str | None
    path: str | None
    location_id: UUID | None
    location: str | None
    captured_at: datetime | None = Field(description="the camera's own local time")
    taken_at: datetime | None = Field(description="the same, its clock corrected where the deployment says so")
    utc_offset_minutes: int | None
    captured_at_source: str | None
    width_px: int | None
    height_px: int | None
    orientation: int | None
    camera_make: str | None
    camera_model: str | None
    camera_serial: str | None
    latitude: float | None
    longitude: float | None
    altitude_m: float | None
    exif: dict[str, str] | None
    import_id: str | None
    status: PictureStatus
    error_class: str | None
    error_message: str | None
    model_id: str | None
    worker: str | None
    backend: str | None
    backend_version: str | None
    device: str | None
    precision: str | None
    batch_size: int | None
    queue_ms: float | None
    read_ms: float | None
    decode_ms: float | None
    infer_ms: float | None
    total_ms: float | None
    boxes: list[Box]
    places: list[Place]


class Detection(Box):
    """One box, and the picture that it is in. n: 0 is that picture's most confident."""

    image_id: UUID
    n: Count
    filename: str | None
    location_id: UUID | None
    location: str | None
    taken_at: datetime | None


class Location(Answer):
    """A place: degrees (WGS 84), and how many pictures it has."""

    location_id: UUID = Field(examples=[_PLACE])
    name: str = Field(examples=["Hayfield"])
    latitude: float | None = Field(examples=[29.803056])
    longitude: float | None = Field(examples=[-97.309722])
    total: Count


class Failure(Answer):
    """Failed pictures that failed alike."""

    error_class: str | None = Field(examples=["decode"])
    error_message: str | None = Field(examples=["not an image"])
    pictures: Count
    example_image_id: UUID


class Failures(Answer):
    """The most frequent first. pictures: of all the groups listed."""

    failures: list[Failure]
    pictures: Count


class PartitionPosition(Answer):
    """Offsets. committed: None if the group never committed there. end: the last stable offset.

    status: Burrow's word; null where nobody keeps a window of readings.
    """

    topic: str = Field(examples=["images"])
    partition: Count
    start: Count
    committed: int | None
    end: Count
    lag: Count
    status: LagWord | None = None


class GroupPosition(Answer):
    """A consumer group, and how far it is behind.

    status: the worst of its partitions (STOP and STALL are ERR; REWIND, a replay, is no error), or NOTFOUND.
    complete: the share of five minutes that was seen; until it is 1, every word is OK.
    """

    group: str = Field(examples=["detector"])
    lag: Count
    status: GroupLagWord | None = None
    complete: Annotated[float, Field(ge=0, le=1)] | None = None
    partitions: list[PartitionPosition]


class Lag(Answer):
    """All groups. lag: their sum."""

    lag: Count
    groups: list[GroupPosition]


class WorkerAnswer(Answer):
    """A worker by its newest heartbeat."""

    worker: str
    role: str
    group: str
    state: str
    alive: bool
    age_s: float
    device: str | None
    model_id: str | None
    model_name: str | None
    in_flight: Count
    done_total: Count
    rate_per_minute: float
    batch_size: float | None
    last_error: str | None


class AlertAnswer(Answer):
    """Something that wants a person. name: its kind, then whom or what it is about."""

    name: str = Field(examples=["store_away/detector-1"])
    summary: str
    since: datetime | None
    action: str | None = Field(description="what to do")
    source: str | None = Field(examples=["thumper/detector-1"])
    observed: str | None = Field(description="what was seen")
    threshold: str | None = Field(description="what is too much, or too little")
    runbook: str | None = Field(description="the chapter of the runbook that says more")


class DeadLetter(Answer):
    """A message that could not be read. What it brought along is shown with escapes for all that does not print."""

    number: Count = Field(examples=[17], description="its offset among the dead letters")
    at: datetime = Field(description="when it was refused, by the broker's clock")
    topic: str | None = Field(examples=["images"], description="where it came from; null if it does not say")
    partition: int | None
    offset: int | None
    group: str = Field(examples=["detector"], description="the consumer group that refused it")
    stage: str = Field(examples=["VALUE_CONVERTER"])
    error_class: str = Field(examples=["UnreadableEvent"])
    reason: str
    key: str
    value_bytes: Count
    cut: list[str] = Field(description="what was too large to be kept whole; such a letter cannot be sent again")
    retried: bool = Field(description="whether the message was sent again")


class DeadLetterDetail(DeadLetter):
    """One, with the headers that it came with, and its value up to 64,000 bytes."""

    headers: list[tuple[str, str]]
    value: str


class LettersRetried(Answer):
    """What was sent again; the broker has it."""

    sent: Count


class Model(Answer):
    """A model. What nobody has described has only an id."""

    model_id: str
    active: bool
    name: str | None
    weights_sha256: str | None
    input_px: int | None
    classes: list[str] | None
    store_threshold: float | None
    display_threshold: float | None
    iou: float | None
    max_boxes: int | None


class TraceStep(Answer):
    """One event of a picture's story. at: the broker's time. recorded: whether the sink has it in the tables.

    details: what it says besides: figures in milliseconds, worker, model, batch, path and others.
    """

    at: datetime
    what: str = Field(examples=["completed"])
    text: str = Field(examples=["demo in detector-1, in a batch of 8: doe 0.91"])
    topic: str
    partition: Count
    offset: Count
    recorded: bool | None
    details: dict[str, str | int | float]


class Trace(Answer):
    """A picture's story. ahead: events before it in its partition, where it waits. unsearched: not looked through."""

    image_id: UUID
    sha256: str | None
    where: TraceWhere
    text: str
    ahead: Count | None
    steps: list[TraceStep]
    unsearched: list[str] = Field(examples=[["detections 3: offsets 0 to 99999"]])


class UploadRefused(Answer):
    """A file that was not imported, and why."""

    filename: str = Field(examples=["notes.txt"])
    reason: str = Field(examples=["not a picture by its name"])


class Uploaded(Answer):
    """What became of the files sent. known: already there; removed: taken away by somebody before, and left out."""

    location_name: str = Field(examples=["Hayfield"])
    imported: Count = Field(description="new pictures, whose events the log has")
    known: Count
    removed: Count
    refused: list[UploadRefused]
