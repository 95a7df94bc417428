"""`/api/groups`: what is wanted of each consumer group, and telling it: pause, resume, drain."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Security
from fastapi.security import HTTPBearer

from api.deps import Deps, Parts
from api.problems import Refusal
from api.responses import GroupState
from thumper.control_log import groups_wanted
from thumper.emitter import Emitter
from thumper.groups import refuse_unknown, want
from thumper.topics import GROUPS
from thumper.wishes import Wanted

bearer = HTTPBearer(auto_error=False, description="THUMPER_API_TOKEN, where one is set")
# Each caller opens a consumer of its own.
MOST_WAITING = 50

router = APIRouter(prefix="/api/groups", tags=["groups"])
Group = Annotated[str, Path(max_length=200, examples=["detector"], description="detector or sink")]


@router.get("", operation_id="list_groups")
async def groups(parts: Parts) -> list[GroupState]:
    """Each group: what is wanted of it, and how many members it has at present; 0 once a paused one has stopped."""
    if parts.reading.statistics().tasks_waiting >= MOST_WAITING:
        raise _crowd()
    return await to_thread.run_sync(_states, parts, limiter=parts.reading)


@router.post("/{group}/pause", operation_id="pause_group", dependencies=[Security(bearer)])
async def pause(parts: Parts, group: Group) -> GroupState:
    """The group's members finish what they can and leave; the processes stay. At 0 members its offsets may be set.

    Answers when the wish is in the log: the members follow within seconds. The same again changes nothing.
    """
    return await _want(parts, group, "paused")


@router.post("/{group}/resume", operation_id="resume_group", dependencies=[Security(bearer)])
async def resume(parts: Parts, group: Group) -> GroupState:
    """The group goes on where its offsets are. See pause."""
    return await _want(parts, group, "running")


@router.post("/{group}/drain", operation_id="drain_group", dependencies=[Security(bearer)])
async def drain(parts: Parts, group: Group) -> GroupState:
    """The group does what there is, until its lag is 0, and is then paused. See pause."""
    return await _want(parts, group, "draining")


async def _want(parts: Deps, group: str, state: Wanted) -> GroupState:
    if parts.wishing.statistics().tasks_waiting >= MOST_WAITING:
        raise _crowd()
    return await to_thread.run_sync(_say, parts, group, state, limiter=parts.wishing)


def _say(parts: Deps, group: str, state: Wanted) -> GroupState:
    refuse_unknown(group)
    # An emitter of its own: `parts.sender` is for one thread, and whoever queues may have it.
    with Emitter(parts.settings, parts.clock) as sender:
        wish = want(parts.settings, group, state, "thumper api", sender, parts.clock)
    return GroupState(group=group, wanted=wish.state, wanted_by=wish.wanted_by, members=parts.lags.members(group))


def _states(parts: Deps) -> list[GroupState]:
    known = groups_wanted(parts.settings, parts.clock)
    return [
        GroupState(
            group=group,
            wanted="running" if (wish := known.get(group)) is None else wish.state,
            wanted_by=None if wish is None else wish.wanted_by,
            members=parts.lags.members(group),
        )
        for group in GROUPS
    ]


def _crowd() -> Refusal:
    return Refusal(429, "too many callers ask for groups", "call again", {"Retry-After": "5"})
