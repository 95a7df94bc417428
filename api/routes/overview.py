"""`/api/locations`, `/api/failures`, `/api/models`: what there is, summed up."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Parts, Place, shown
from api.queries import positions, snapshot
from api.responses import Failure, Failures, Location, Model
from api.routes.status import refuse_unknown_place

router = APIRouter(prefix="/api", tags=["overview"])


@router.get("/locations", operation_id="list_locations")
def locations(parts: Parts) -> list[Location]:
    """Places by name, with their number of pictures."""
    tallies = parts.now.get().status.locations
    with snapshot(parts.engine) as tables:
        rows = tables.rows("locations")
    totals = {place: numbers.total for place, numbers in tallies.items()}
    return [Location(**row, total=totals.get(row["location_id"], 0)) for row in rows]


@router.get("/failures", operation_id="list_failures")
def failures(parts: Parts, location_id: Place = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Failures:
    """Failed pictures, grouped by what went wrong."""
    committed = parts.now.get().committed
    refuse_unknown_place(parts, location_id)
    place = None if location_id is None else str(location_id)
    with snapshot(parts.engine) as tables:
        model = shown(tables, parts.settings).model_id
        rows = tables.rows("failures", model=model, location=place, limit=limit, **positions(committed))
    found = [Failure(**row) for row in rows]
    return Failures(failures=found, pictures=sum(failure.pictures for failure in found))


@router.get("/models", operation_id="list_models")
def models(parts: Parts) -> list[Model]:
    """Models, the active one first."""
    with snapshot(parts.engine) as tables:
        return [Model(**row) for row in tables.rows("models")]
