"""`/health`: whether this API can answer."""

from fastapi import APIRouter, Response

from api.deps import Parts
from api.health import OK
from api.responses import Health
from api.status import LIVE_GROUP

router = APIRouter(tags=["health"])


@router.get("/health", operation_id="health", responses={503: {"model": Health}})
def health(parts: Parts, response: Response) -> Health:
    """200 and "healthy", or 503, "unhealthy", which part and why."""
    found = parts.health.get()
    well = all(state == OK for state in found.values())
    response.status_code = 200 if well else 503
    now_s = parts.clock.now_s()
    live = [w for w in parts.workers.known() if w.beat.group == LIVE_GROUP and w.alive(now_s)]
    return Health(status="healthy" if well else "unhealthy", parts=found, workers=len(live))
