"""`/metrics`: for Prometheus. Group lag, pictures, and this process's own work."""

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from api.deps import Parts

router = APIRouter(tags=["metrics"])
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}, "description": "Prometheus' text"}
}


@router.get("/metrics", operation_id="metrics", response_class=Response, responses=_TEXT)
def metrics(parts: Parts, request: Request) -> Response:
    """What docs/metrics.md lists. Where Kafka or the database is away, its samples are absent: 200 all the same."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(parts.registry), headers={"Content-Type": media_type, "Cache-Control": "no-store"})
