"""`POST /api/processing/batch`: see that pictures are in the pipeline."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Body, Query, Security
from fastapi.security import HTTPBearer

from api.deps import Deps, Parts, Place
from api.problems import Refusal
from api.responses import BatchQueued, BatchRequest, Retried
from producers.requests import Queued, Selection, Wanted, queue
from producers.retry import Failure, failed, retry
from schemas.envelope import NO_NUL

# Callers that wait for their turn; each holds a connection, and more of them would only time out.
MOST_WAITING = 200
# The guard (api/security.py) checks the token; this says in the description that there may be one.
bearer = HTTPBearer(auto_error=False, description="THUMPER_API_TOKEN, where one is set")

Word = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, examples=["missing"])]

router = APIRouter(tags=["processing"], dependencies=[Security(bearer)])


@router.post("/api/processing/batch", operation_id="queue_batch")
async def batch(
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=10_000, description="at most so many pictures")] = 1_000,
    status: Annotated[
        Wanted, Query(description="which pictures; those in the pipeline are never queued twice")
    ] = "pending",
    location_id: Place = None,
    body: Annotated[BatchRequest | None, Body()] = None,
) -> BatchQueued:
    """Pictures that wait already are counted and not queued again; the others are asked for, each once.

    The ids of a body say all by themselves; the query's selection is then left aside.
    """
    ids = None if body is None or body.image_ids is None else tuple(dict.fromkeys(body.image_ids))
    selection = Selection(ids, status, location_id, limit)
    if parts.queueing.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many callers are queueing pictures", "call again", {"Retry-After": "5"})
    queued = await to_thread.run_sync(partial(queue, selection, parts.desk), limiter=parts.queueing)
    return BatchQueued(
        queued_count=len(queued.task_ids),
        task_ids=list(queued.task_ids),
        location_id=location_id,
        status_filter=status,
        message=_message(queued),
    )


@router.post("/api/processing/retry", operation_id="retry_failed")
async def retry_failed(
    parts: Parts,
    error_class: Word = None,
    text: Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="within the error message")] = None,
    location_id: Place = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="at most so many pictures")] = 10_000,
    dry_run: Annotated[bool, Query(description="count them, and ask for none")] = False,
) -> Retried:
    """Failed pictures that meet all that is given are pending again, each asked for once."""
    selection = Selection(status="failed", location_id=location_id, failure=Failure(error_class, text))
    if parts.queueing.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many callers are queueing pictures", "call again", {"Retry-After": "5"})
    work = partial(_retry, selection, parts, 0 if dry_run else limit)
    return await to_thread.run_sync(work, limiter=parts.queueing)


def _retry(selection: Selection, parts: Deps, most: int) -> Retried:
    found = failed(selection, parts.desk)
    queued = sum(retry(selection, found, parts.desk, "api", most))
    return Retried(matched=found.pictures, by_class=dict(found.by_class), queued=queued)


def _message(queued: Queued) -> str:
    count = len(queued.task_ids)
    if not count:
        return "no picture is left to be queued"
    waiting = count - queued.asked
    return f"{count} pictures are in the pipeline: {queued.asked} asked for now, {waiting} waiting already"
