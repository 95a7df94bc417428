"""`/api/images/{id}/trace`: a picture's whole story from the log."""

from functools import partial

from anyio import to_thread
from fastapi import APIRouter

from api.deps import ImageId, Parts
from api.problems import Refusal
from api.responses import Trace

router = APIRouter(prefix="/api/images", tags=["images"])
# Callers that wait for their turn hold a connection each.
MOST_WAITING = 50


@router.get("/{image_id}/trace", operation_id="trace_image")
async def trace(parts: Parts, image_id: ImageId) -> Trace:
    """Where a picture came from, what was tried, and where it is now. One that nobody knows is `unknown`."""
    if parts.reading.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many callers look into the log", "call again", {"Retry-After": "5"})
    return await to_thread.run_sync(partial(parts.tracer.trace, image_id), limiter=parts.reading)
