"""The run of a replay: its parts wired from settings, and an end in order, so that no group stays paused by it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from api.history import rate
from api.workers import BeatReader
from producers.requests import Desk
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.emptied import Say
from thumper.lag import LagReader
from thumper.replay.replayer import Replayer, ReplayParts
from thumper.settings import Settings


@dataclass(frozen=True, slots=True)
class Replays:
    """replayer: for replays in place. desk: for requests. rate: pictures a minute that live detectors do now."""

    replayer: Replayer
    desk: Desk
    rate: Callable[[], float]


@contextmanager
def opened(settings: Settings, clock: Clock, say: Say) -> Iterator[Replays]:
    """Connected for as long as the context lasts. SIGTERM ends it as Ctrl-C does: what was paused goes on."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGTERM, before)
        engine = make_engine(settings, read_only=True, statement_timeout_ms=0, application_name="thumper replay")
        stack.callback(engine.dispose)
        lags = LagReader(settings, clock)
        stack.callback(lags.close)
        emitter = stack.enter_context(Emitter(settings, clock))
        working = partial(working_rate, settings, clock)
        parts = ReplayParts(settings, engine, lags, emitter, clock, say, working)
        yield Replays(Replayer(parts), Desk(engine, lags, emitter, clock), working)


def working_rate(settings: Settings, clock: Clock) -> float:
    """Pictures a minute of all detectors that live now, by their heartbeats; 0.0 if there are none."""
    reader = BeatReader(settings, clock)
    reader.catch_up()
    return rate(reader.beats, clock)
