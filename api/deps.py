"""What the routes work with: built once by open_deps, handed to them by FastAPI."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, Protocol
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import Depends, Path, Query, Request
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from api.cursors import Cursor
from api.exporter import Exporter
from api.health import HEALTH_MAX_AGE_S, check
from api.history import History
from api.lag_watch import LagWatch
from api.lag_words import Windows
from api.look import LOOK_MAX_AGE_S, Looker, Oldest
from api.problems import Refusal
from api.queries import Reader
from api.replays import read_replays
from api.snapshot import Known, Reading, Shared, StatusReader
from api.trace_reader import TraceLog, Tracer
from api.uploads import Uploads
from api.workers import BeatReader
from producers.requests import Desk
from schemas.alert import Alert
from schemas.control import GroupReplayed
from schemas.envelope import NO_NUL
from thumper.alerts import raised_alerts
from thumper.clock import Clock, SystemClock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.kafka import Names
from thumper.lag import LagReader
from thumper.metering import Board, make_registry
from thumper.oldest import OldestReader
from thumper.settings import Settings
from thumper.store import Store

# What a model that nobody has described is shown from.
DISPLAY_THRESHOLD = 0.5
# A broker on the way answers in milliseconds; a person at a page shall not wait longer to hear that it is away.
KAFKA_TIMEOUT_S = 3.0
ALERTS_MAX_AGE_S = 1.0
# For pages, which many may look at: the topic is read as a whole each time.
REPLAYS_MAX_AGE_S = 1.0


class Pictures(Protocol):
    """Reads pictures by their address (thumper.store.Store). Raises PictureError, StoreDown or another Retriable."""

    def read(self, uri: str, size_bytes: int | None, max_bytes: int) -> bytes:
        """The bytes."""
        ...


@dataclass
class Deps:
    """Everything behind the routes. `now` is shared by all callers. board: the figures of this process's own work.

    windows: earlier readings of the groups' lag.
    uploads: None where pictures cannot be sent to this API.
    """

    settings: Settings
    engine: Engine
    lags: TraceLog
    workers: Known
    sender: Emitter
    store: Pictures
    clock: Clock
    oldest: Oldest
    board: Board = field(default_factory=Board)
    windows: Windows = field(default_factory=Windows)
    uploads: Uploads | None = None
    registry: CollectorRegistry = field(init=False)
    now: Shared[Reading] = field(init=False)
    health: Shared[dict[str, str]] = field(init=False)
    alerts: Shared[list[Alert]] = field(init=False)
    replays: Shared[list[tuple[GroupReplayed, int]]] = field(init=False)
    history: History = field(init=False)
    # One caller queues at a time; the others wait without holding a thread, so that status stays quick.
    queueing: CapacityLimiter = field(init=False)
    # What is wanted of a group: by one caller at a time, and never behind those who queue, which may take minutes.
    wishing: CapacityLimiter = field(init=False)
    # Decoding whole pictures takes memory: two at a time.
    drawing: CapacityLimiter = field(init=False)
    # Each look into the dead letters, or after one picture, is a consumer of its own.
    reading: CapacityLimiter = field(init=False)
    # A replay may wait for a minute until the group has left.
    replaying: CapacityLimiter = field(init=False)
    # An upload is an import, and imports take turns.
    uploading: CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.now = Shared(StatusReader(self.engine, self.lags, self.workers, self.clock).read, self.clock)
        self.health = Shared(lambda: check(self.engine, self.lags), self.clock, HEALTH_MAX_AGE_S)
        self.alerts = Shared(lambda: raised_alerts(self.settings, self.clock), self.clock, ALERTS_MAX_AGE_S)
        book = partial(read_replays, self.settings, self.lags, self.clock)
        self.replays = Shared(book, self.clock, REPLAYS_MAX_AGE_S)
        look = Shared(Looker(self.lags, self.oldest, self.engine, self.now).look, self.clock, LOOK_MAX_AGE_S)
        exporter = Exporter(look.get, Names(self.settings), self.clock, self.windows, self.alerts.get)
        self.registry = make_registry(self.board, exporter)
        self.history = History(look.get, self.workers, self.clock)
        self.queueing = CapacityLimiter(1)
        self.wishing = CapacityLimiter(1)
        self.drawing = CapacityLimiter(2)
        self.reading = CapacityLimiter(2)
        self.replaying = CapacityLimiter(2)
        self.uploading = CapacityLimiter(1)

    @property
    def tracer(self) -> Tracer:
        """For a picture's story."""
        return Tracer(self.settings, self.engine, self.lags, self.workers, self.clock)

    @property
    def desk(self) -> Desk:
        """For queueing."""
        return Desk(self.engine, self.lags, self.sender, self.clock)


@contextmanager
def open_deps(settings: Settings, uploads: Uploads | None = None) -> Iterator[Deps]:
    """The real parts, for as long as the context lasts. None of them waits for a server that is away.

    uploads: where pictures that are sent to this API go; None: it takes none.
    """
    clock = SystemClock()
    with ExitStack() as stack:
        beats = BeatReader(settings, clock)
        stack.callback(beats.close)
        sender = stack.enter_context(Emitter(settings, clock))
        engine = make_engine(settings, read_only=True)
        stack.callback(engine.dispose)
        oldest = OldestReader(settings, clock, KAFKA_TIMEOUT_S)
        stack.callback(oldest.close)
        beats.start()
        lags, windows = LagReader(settings, clock, KAFKA_TIMEOUT_S), Windows()
        watch = LagWatch(lags, windows)
        stack.callback(watch.close)
        watch.start()
        yield Deps(
            settings,
            engine,
            lags,
            beats.beats,
            sender,
            Store(settings, clock),
            clock,
            oldest,
            windows=windows,
            uploads=uploads,
        )


def deps_of(request: Request) -> Deps:
    """The parts that create_app was given."""
    found: Deps = request.app.state.deps
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose outcomes are shown, and from which confidence on."""

    model_id: str | None
    confidence: float


def shown(tables: Reader, settings: Settings, min_confidence: float | None = None) -> Shown:
    """The active model and the confidence asked for, else its display threshold."""
    active = tables.row("active_model")
    threshold = active["display_threshold"] if active else None
    if threshold is None:
        threshold = DISPLAY_THRESHOLD if settings.display_threshold is None else settings.display_threshold
    return Shown(active["model_id"] if active else None, threshold if min_confidence is None else min_confidence)


def _local(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is not None:
        raise Refusal(422, "a time here is the place's own, without offset", "like 2026-11-03T06:30:00")
    return value


@dataclass(frozen=True, slots=True)
class Filters:
    """What lists of pictures and of detections can be narrowed by."""

    location_id: UUID | None
    class_name: str | None
    since: datetime | None
    until: datetime | None
    min_confidence: float | None
    cursor: Cursor
    limit: int

    @property
    def values(self) -> dict[str, object]:
        """As the statements take them."""
        return {
            "location": None if self.location_id is None else str(self.location_id),
            "class_name": self.class_name,
            "since": self.since,
            "until": self.until,
            "after_id": None if self.cursor.id is None else str(self.cursor.id),
            "after_time": self.cursor.time,
        }

    @property
    def timed(self) -> bool:
        """Whether pictures without a time are left out."""
        return self.since is not None or self.until is not None


def filters(  # noqa: PLR0913, PLR0917 - one parameter of the query each
    location_id: Annotated[UUID | None, Query(description="only pictures of this place")] = None,
    class_name: Annotated[
        str | None,
        Query(alias="class", max_length=200, pattern=NO_NUL, examples=["doe"], description="only this class"),
    ] = None,
    since: Annotated[
        datetime | None, Query(description="taken at or after; the place's own time", examples=["2026-11-03T06:00:00"])
    ] = None,
    until: Annotated[
        datetime | None, Query(description="taken before; the place's own time", examples=["2026-11-04T00:00:00"])
    ] = None,
    min_confidence: Annotated[
        float | None, Query(ge=0, le=1, description="default: the active model's display threshold")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=500, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Filters:
    """The query's filters. Raises Refusal (422)."""
    return Filters(location_id, class_name, _local(since), _local(until), min_confidence, Cursor.read(cursor), limit)


Parts = Annotated[Deps, Depends(deps_of)]
Narrowed = Annotated[Filters, Depends(filters)]
ImageId = Annotated[UUID, Path(description="the picture's id", examples=["4b4f6f3e-8f43-5a0e-9d0a-6a1d5c0f8a11"])]
Place = Annotated[UUID | None, Query(description="only this place")]
