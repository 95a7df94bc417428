"""`/api/detections`: what the active model saw, box by box."""

from fastapi import APIRouter

from api.deps import Narrowed, Parts, shown
from api.queries import snapshot
from api.responses import Detection, Page
from api.routes.images import following, pages
from api.routes.status import refuse_unknown_place

router = APIRouter(prefix="/api/detections", tags=["detections"])


@router.get("", operation_id="list_detections")
def detections(parts: Parts, narrowed: Narrowed) -> Page[Detection]:
    """Boxes at or above the confidence, the newest picture's first, within it the most confident first."""
    refuse_unknown_place(parts, narrowed.location_id)
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings, narrowed.min_confidence)
        values = {
            **narrowed.values,
            "model": seen.model_id,
            "confidence": seen.confidence,
            "image": None,
            "after_n": narrowed.cursor.n,
        }
        rows = pages(tables, "detections", narrowed, values)
    return Page(items=[Detection(**row) for row in rows[: narrowed.limit]], next=following(rows, narrowed))
