"""`/api/alerts`: what wants a person now."""

from fastapi import APIRouter

from api.deps import Parts
from api.responses import AlertAnswer

router = APIRouter(prefix="/api", tags=["alerts"])


@router.get("/alerts", operation_id="list_alerts")
def alerts(parts: Parts) -> list[AlertAnswer]:
    """What is raised and not resolved, at most a second old: a store that is away, lost events, and so on."""
    keep = set(AlertAnswer.model_fields)
    return [AlertAnswer(**alert.model_dump(include=keep)) for alert in parts.alerts.get()]
