"""The composition root: settings in, running parts out. Nothing else builds parts from parts."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from cli.life import Slot, Stop, UntilSignalled, patiently
from cli.limits import refuse_batch_beyond_memory
from schemas.fact import ModelActivated, ModelAdded
from thumper.alerts import Alarm, raised_alerts
from thumper.ceiling_committer import CeilingCommitter
from thumper.clock import Clock, SystemClock
from thumper.commit import OffsetCommitter, TransactionCommitter
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import Fatal, KafkaDown, StoreDown, ThumperError, UserError
from thumper.garbage import settle
from thumper.heartbeat import Heartbeat, Identity, WaitMark, ready_mark
from thumper.kafka import make_admin
from thumper.lag import LagReader
from thumper.logs import configure_logs
from thumper.loop import ConsumerLoop, Health
from thumper.loop_metrics import LoopHealth, MeasuredCommitter
from thumper.metering import Board, make_registry, served
from thumper.obedience import ObedientSource
from thumper.settings import Settings
from thumper.source import KafkaSource, Source
from thumper.stage import Committer, Stage
from thumper.store import Store
from thumper.topics import (
    GROUPS,
    RECORDED,
    WORK,
    ensure_topics,
    list_topics,
    renew_followers,
    unfinished_topics,
)
from thumper.turns import SourceInTurns, Turns
from thumper.watchdog import Watchdog
from thumper.wishes import GroupWishes

if TYPE_CHECKING:
    from confluent_kafka import Consumer

    from processors.detector.backends.contract import Detector
    from processors.detector.model import ModelDescription
    from processors.detector.stage import Care

DEMO_WEIGHTS = Path(__file__).parent.parent / "models" / "thumper-demo.onnx"
DETECTOR, SINK, MONITOR = "detector", "sink", "monitor"
# A broker that is there answers in milliseconds; between two such questions a worker hears that it is to stop.
BROKER_ANSWERS_S = 5.0

log = structlog.get_logger("thumper")


def before_apps(settings: Settings) -> None:
    """What must be there before any part runs: topics, tables, the store. All are left as they are if they exist.

    Raises UserError if a restore was broken off.
    """
    from sinks.postgres.migrate import migrate

    ensure_topics(settings)
    if half := unfinished_topics(settings):
        raise UserError(
            f"a restore of the topics {', '.join(sorted(half))} was broken off", "the same `thumper restore` again"
        )
    migrate(settings)
    known = _any_stored(settings)
    try:
        Store(settings).open_or_create(create=not known)
    except StoreDown as error:
        # Nobody but detectors and imports needs it, and they wait for it by themselves.
        if not known:
            raise
        log.warning("the store is away", error=error.message, hint=error.hint)


def _any_stored(settings: Settings) -> bool:
    from producers.known import RecordedPictures

    engine = make_engine(settings, read_only=True)
    try:
        return RecordedPictures(engine).any_stored()
    finally:
        engine.dispose()


def weights_of(settings: Settings) -> Path:
    """The weights to use: those of the settings, else the demo model's."""
    return settings.weights or DEMO_WEIGHTS


def _as_it_is(stage: Stage) -> Stage:
    return stage


@dataclass(frozen=True)
class Makers:
    """What the pieces of a detector or sink are made by. Tests of faults give others (tests/faults/part.py)."""

    source: Callable[[Settings, str, Sequence[str]], KafkaSource] = KafkaSource
    stage: Callable[[Stage], Stage] = _as_it_is
    transactions: "Callable[[Settings, str, Consumer], Committer]" = TransactionCommitter
    offsets: "Callable[[Settings, Consumer], Committer]" = OffsetCommitter
    loop: Callable[[Source, Stage, Committer, Clock, Callable[[Health], None]], ConsumerLoop] = ConsumerLoop


@dataclass(frozen=True)
class Brain:
    """What a detector looks with. read: see StageConfig."""

    model: "ModelDescription"
    detector: "Detector"
    read: bool = True


def brain_of(settings: Settings) -> Brain:
    """The model and the backend that `settings` ask for. Raises ModelError, UserError."""
    from processors.detector.backends import choose
    from processors.detector.model import describe

    model = describe(weights_of(settings), settings.store_threshold, settings.display_threshold)
    return Brain(model, choose(model, settings.device))


def run_detector(
    settings: Settings,
    name: str | None,
    until_signalled: UntilSignalled,
    brain_of: Callable[[Settings], Brain] = brain_of,
    makers: Makers | None = None,
) -> None:
    """Run one detector until it is told to stop. Raises ModelError, SettingError, Fatal."""
    from processors.detector.alone import Alone
    from processors.detector.hands import Hands
    from processors.detector.stage import Care

    clock, makers = SystemClock(), makers or Makers()
    with Slot(settings, DETECTOR, name) as worker:
        configure_logs(settings, role=DETECTOR, worker=worker)
        brain = brain_of(settings)
        if brain.read:
            refuse_batch_beyond_memory(settings.batch_size, brain.model.input_px)
        stop = Stop(until_signalled)
        patiently(lambda: _ask_broker(settings), clock, stop)
        board = Board()
        care = Care(
            Hands(settings.data_dir / "run" / f"{worker}.hand"),
            Alone(partial(_detector_of, brain_of, settings), settings.hang_limit_s),
        )
        stage = _detector_stage(settings, worker, brain, board, care if brain.read else None)
        source = makers.source(settings, DETECTOR, WORK)
        committer = makers.transactions(settings, f"{worker}@{socket.gethostname()}", source.consumer)
        identity = Identity(worker, DETECTOR, DETECTOR, settings.device, brain.model.id, brain.model.name)
        with Emitter(settings) as emitter:
            in_turns = SourceInTurns(source, Turns(WORK), clock)
            parts = _Parts(in_turns, makers.stage(stage), committer, emitter, clock, board, makers)
            _run(settings, identity, parts, stop, lambda: _state_model(emitter, brain.model, worker, clock))


def _detector_of(brain_of: Callable[[Settings], Brain], settings: Settings) -> "Detector":
    return brain_of(settings).detector


def _detector_stage(settings: Settings, worker: str, brain: Brain, board: Board, care: "Care | None") -> Stage:
    from processors.detector.config import StageConfig
    from processors.detector.measures import DetectorMeasures, MeasuredDetector
    from processors.detector.stage import DetectorStage

    store, clock = Store(settings), SystemClock()

    def read(uri: str, size_bytes: int | None) -> bytes:
        return store.read(uri, size_bytes, settings.max_picture_bytes)

    config = StageConfig(
        group=DETECTOR,
        worker=worker,
        batch_size=settings.batch_size,
        batch_wait_s=settings.batch_wait_ms / 1_000,
        decode_threads=settings.decode_threads,
        display_threshold=brain.model.display_threshold,
        read=brain.read,
        hang_limit_s=settings.hang_limit_s,
        missing_in_a_row=settings.missing_in_a_row,
    )
    if not settings.metrics_port:
        # Counting every picture takes a microsecond of each, for nobody.
        return DetectorStage(brain.detector, read, config, clock, care=care)
    measures = DetectorMeasures(board, brain.model.ref)
    return DetectorStage(
        MeasuredDetector(brain.detector, measures), measures.reader(read), config, clock, measures, care
    )


def _state_model(emitter: Emitter, model: "ModelDescription", worker: str, clock: Clock) -> None:
    """Say that there is this model, and that it is the one in use: until there is a command for it, who runs it does.

    Only once it is loaded and the broker is there: weights that turn out to be none must not become the active model,
    which would put all pictures back to pending, and an event that waits for a broker is given up after 30 s.
    """
    for fact in _model_facts(model, worker, clock):
        emitter.emit("facts", fact)


def _model_facts(model: "ModelDescription", worker: str, clock: Clock) -> tuple[ModelAdded, ModelActivated]:
    added = model.added_fact().model_copy(update={"id": f"model.added:{model.id}", "time": clock.wall()})
    activated = ModelActivated(
        type="model.activated",
        id=f"model.activated:{model.id}:{worker}:{clock.wall().isoformat()}",
        model_id=model.id,
        activated_by=worker,
        time=clock.wall(),
        source="thumper/detector",
    )
    return added, activated


def run_sink(
    settings: Settings, name: str | None, until_signalled: UntilSignalled, makers: Makers | None = None
) -> None:
    """Run one sink until it is told to stop; makes topics and tables first, where they are missing."""
    from sinks.postgres.preload import preload_removals
    from sinks.postgres.stage import sink_stage

    clock, makers = SystemClock(), makers or Makers()
    with Slot(settings, SINK, name) as worker:
        configure_logs(settings, role=SINK, worker=worker)
        stop = Stop(until_signalled)
        patiently(lambda: before_apps(settings), clock, stop)
        board = Board()
        stage = sink_stage(
            settings, LagReader(settings), clock, SINK, board, lambda engine: preload_removals(engine, settings, clock)
        )
        source = makers.source(settings, SINK, RECORDED)
        committer = makers.offsets(settings, source.consumer)
        with Emitter(settings) as emitter:
            parts = _Parts(source, makers.stage(stage), committer, emitter, clock, board, makers)
            _run(settings, Identity(worker, SINK, SINK), parts, stop)


def run_api(settings: Settings) -> None:
    """Serve HTTP until told to stop."""
    from api.app import serve
    from cli.uploading import FolderUploads

    configure_logs(settings, role="api", worker="api")
    serve(settings, uploads=FolderUploads(settings, SystemClock()))


def run_monitor(settings: Settings, name: str | None, until_signalled: UntilSignalled) -> None:
    """Run the monitor until it is told to stop; makes topics first, where they are missing. Raises Fatal, UserError."""
    import asyncio

    from processors.monitor.begin import begin_recent

    clock = SystemClock()
    with Slot(settings, MONITOR, name or MONITOR) as worker:
        configure_logs(settings, role=MONITOR, worker=worker)
        stop = Stop(until_signalled)
        lags, partitions, raised = LagReader(settings, clock), 0, list[str]()

        def prepare() -> None:
            nonlocal partitions, raised
            ensure_topics(settings)
            renew_followers(settings)
            partitions = begin_recent(settings, lags, clock)
            raised = [alert.name for alert in raised_alerts(settings, clock)]

        patiently(prepare, clock, stop)
        lags.close()
        mark = ready_mark(settings.data_dir, worker)
        try:
            asyncio.run(_monitor(settings, partitions, raised, stop, mark))
        except ThumperError as error:
            log.error("ends", error=error.message, hint=error.hint)
            raise


async def _monitor(
    settings: Settings, partitions: int, raised: Sequence[str], stop: Stop, on_ready: Callable[[], None]
) -> None:
    import asyncio

    from api.deps import open_deps
    from cli.monitor_hands import MonitorHands
    from processors.monitor.courier import Courier
    from processors.monitor.faust_app import Counting
    from processors.monitor.monitor import Monitor
    from processors.monitor.places import Places
    from processors.monitor.receivers import receivers
    from processors.monitor.watch import Watch

    clock, loop, stopped = SystemClock(), asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        loop.call_soon_threadsafe(stopped.set)

    stop.tell(end)
    with open_deps(settings) as deps:
        hands, counting = MonitorHands(settings, deps), Counting(settings, partitions, Places(deps.engine).of)
        couriers = [Courier(settings, receiver, clock) for receiver in receivers(settings, clock)]
        for courier in couriers:
            courier.start()
        try:
            await Monitor(counting, Watch(settings, raised), hands, clock).run(stopped, on_ready)
        finally:
            for courier in couriers:
                courier.close()
            hands.close()


@dataclass(frozen=True)
class _Parts:
    """What a loop is made of."""

    source: Source
    stage: Stage
    committer: Committer
    emitter: Emitter
    clock: Clock
    board: Board
    makers: Makers


def _run(
    settings: Settings,
    identity: Identity,
    parts: _Parts,
    stop: Stop,
    on_joined: Callable[[], None] = lambda: None,
) -> None:
    mark = ready_mark(settings.data_dir, identity.worker)

    def ready() -> None:
        on_joined()
        mark()

    watchdog = Watchdog(settings.hang_limit_s, parts.clock)

    alarm = Alarm(
        identity,
        parts.emitter,
        parts.clock,
        lambda: [alert.name for alert in raised_alerts(settings, parts.clock)],
        settings.alert_runbook,
    )
    waits = WaitMark(settings.data_dir, identity.worker)

    def watch(health: Health) -> None:
        heartbeat.watch(health)
        alarm.watch(health)
        waits.watch(health)
        watchdog.watch()

    heartbeat = Heartbeat(identity, parts.emitter, parts.clock, ready)
    measured = MeasuredCommitter(parts.committer, identity.group, parts.board, parts.clock)
    committer = CeilingCommitter(measured, settings, identity.group, parts.clock)
    loop = parts.makers.loop(_obedient(settings, identity.group, parts), parts.stage, committer, parts.clock, watch)
    stop.tell(loop.stop)
    settle()
    try:
        with served(settings, make_registry(parts.board, LoopHealth(identity.group, loop.health))):
            loop.run()
    except ThumperError as error:
        log.error("ends", error=error.message, hint=error.hint)
        raise
    except Exception as error:
        log.exception("ends by a fault of the program")
        raise Fatal(f"a fault of the program: {error!r}", "its log has the details; please report it") from error
    finally:
        watchdog.watch()
        heartbeat.stopped(loop.health())
        with suppress(KafkaDown):
            parts.emitter.flush(2.0)


def _obedient(settings: Settings, group: str, parts: _Parts) -> Source:
    wishes = GroupWishes(settings, group, GROUPS[group], parts.emitter, parts.clock)
    return ObedientSource(parts.source, wishes)


def _ask_broker(settings: Settings) -> None:
    """Raises KafkaDown. The loop asks too, but much later, and deaf to signals meanwhile."""
    list_topics(settings, make_admin(settings), BROKER_ANSWERS_S)
