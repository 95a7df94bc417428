"""`/api/replay`: process again, in place or chosen pictures; each with a plan that changes nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Security
from fastapi.security import HTTPBearer

from api.deps import Deps, Parts
from api.history import rate
from api.problems import Refusal
from api.replay_answers import (
    PictureChoice,
    PicturesAsked,
    PicturesMeant,
    ReplayAnswer,
    ReplayPlan,
    ReplayWish,
    told,
    told_pictures,
    told_replay,
)
from api.replays import read_replays
from producers.again import again, preview
from producers.chosen import Chosen
from producers.requests import Unknown
from schemas.control import GroupReplayed
from thumper.emitter import Emitter
from thumper.emptied import Pause
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.replay.plan import Wish
from thumper.replay.replayer import Replayer, ReplayParts

T = TypeVar("T")
BY = "thumper api"
# Callers that wait for their turn hold a connection each.
MOST_WAITING = 20
bearer = HTTPBearer(auto_error=False, description="THUMPER_API_TOKEN, where one is set")

router = APIRouter(prefix="/api/replay", tags=["replay"])
guarded = [Security(bearer)]
PauseFlag = Annotated[bool, Query(description="pause the group meanwhile, if it is active")]
WaitS = Annotated[float, Query(ge=0, le=120, description="seconds to wait until a paused group has left")]


@router.get("", operation_id="list_replays")
async def replays(parts: Parts) -> list[ReplayAnswer]:
    """The replays in place, the newest first, and what is left of each."""
    found = await _in_turn(partial(read_replays, parts.settings, parts.lags, parts.clock), parts.replaying)
    return [told_replay(*one) for one in found]


@router.post("/plan", operation_id="plan_replay", dependencies=guarded)
async def plan_replay(parts: Parts, body: ReplayWish) -> ReplayPlan:
    """What this replay in place would do; changes nothing."""
    wish = _wish(body)
    return told(await _with_replayer(parts, lambda replayer: replayer.preview(wish)))


@router.post("", operation_id="start_replay", dependencies=guarded)
async def start_replay(parts: Parts, body: ReplayWish, pause: PauseFlag = False, wait_s: WaitS = 30.0) -> ReplayAnswer:
    """Set the group of the detectors back. Answers when every partition was read back and stands where it shall."""
    wish = _wish(body)
    return _began(await _with_replayer(parts, lambda replayer: replayer.start(wish, BY, Pause(pause, wait_s))))


@router.post("/undo", operation_id="undo_replay", dependencies=guarded)
async def undo_replay(parts: Parts, pause: PauseFlag = False, wait_s: WaitS = 30.0) -> ReplayAnswer:
    """End the replay that is under way: the group goes on where it had been. What was done again stays done."""
    return told_replay(await _with_replayer(parts, lambda replayer: replayer.undo(BY, Pause(pause, wait_s))), 0)


@router.post("/pictures/plan", operation_id="plan_pictures_again", dependencies=guarded)
async def plan_pictures(parts: Parts, body: PictureChoice) -> PicturesMeant:
    """Which pictures are meant, and what would be replaced; asks for nothing."""
    look = partial(preview, _chosen(body), parts.desk, rate(parts.workers, parts.clock))
    return told_pictures(await _in_turn(look, parts.queueing))


@router.post("/pictures", operation_id="ask_for_pictures_again", dependencies=guarded)
async def ask_for_pictures(parts: Parts, body: PictureChoice) -> PicturesAsked:
    """Request each of these pictures once more; those that wait already are not asked for again."""
    found = await _in_turn(partial(again, _chosen(body), parts.desk, BY), parts.queueing)
    return PicturesAsked(pictures=found.pictures, asked=found.asked)


def _wish(body: ReplayWish) -> Wish:
    try:
        return body.wish()
    except UserError as error:
        raise Refusal(422, error.message, error.hint) from None


def _chosen(body: PictureChoice) -> Chosen:
    chosen = body.chosen()
    if not chosen.conditions():
        raise Refusal(422, "nothing says which pictures", "by id, import, location, class, time of capture, ...")
    return chosen


def _began(replay: GroupReplayed) -> ReplayAnswer:
    # It has just been set: what is done of it since does not matter to who has asked.
    whole = sum(move.before - move.to for move in replay.moves)
    return told_replay(replay, whole)


async def _with_replayer(parts: Deps, use: Callable[[Replayer], T]) -> T:
    def work() -> T:
        with _replayer(parts) as replayer:
            return use(replayer)

    return await _in_turn(work, parts.replaying)


async def _in_turn(work: Callable[[], T], limiter: CapacityLimiter) -> T:
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many callers are at it", "call again", {"Retry-After": "5"})
    try:
        return await to_thread.run_sync(work, limiter=limiter)
    except Unknown:
        raise
    except UserError as error:
        raise Refusal(409, error.message, error.hint) from None


@contextmanager
def _replayer(parts: Deps) -> Iterator[Replayer]:
    """With connections of its own: the others are for one caller at a time, and this one may wait for a minute."""
    with ExitStack() as stack:
        lags = LagReader(parts.settings, parts.clock)
        stack.callback(lags.close)
        emitter = stack.enter_context(Emitter(parts.settings, parts.clock))
        now = partial(rate, parts.workers, parts.clock)
        yield Replayer(ReplayParts(parts.settings, parts.engine, lags, emitter, parts.clock, rate=now))
