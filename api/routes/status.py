"""`/api/processing/status` and `/api/status`: how far the work is."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import APIRouter

from api.deps import Parts, Place
from api.problems import Refusal
from api.queries import Row, snapshot
from api.responses import FullStatus, LocationNumbers, ProcessingStatus
from api.status import Numbers, Status
from thumper.tables import NOWHERE

router = APIRouter(tags=["status"])
_EMPTY = Numbers(0, 0, 0, 0, 0)


@router.get("/api/processing/status", operation_id="processing_status")
def processing_status(parts: Parts, location_id: Place = None) -> ProcessingStatus:
    """The predecessor's numbers, exact at the moment of asking (at most 250 ms old), of all or of one place."""
    now = parts.now.get().status
    if location_id is None:
        return ProcessingStatus(**numbers(now.numbers, None))
    if location_id not in now.locations:
        refuse_unknown_place(parts, location_id)
    return ProcessingStatus(**numbers(now.locations.get(location_id, _EMPTY), location_id))


@router.get("/api/status", operation_id="status")
def full(parts: Parts) -> FullStatus:
    """The same, with the state, the lag, and the numbers of every place."""
    now = parts.now.get().status
    with snapshot(parts.engine) as tables:
        places = tables.rows("locations")
    return full_status(now, places)


def full_status(now: Status, places: Iterable[Row]) -> FullStatus:
    """`now` with its places by name; pictures without a place come last."""
    names: dict[UUID, str] = {row["location_id"]: row["name"] for row in places}
    nowhere = UUID(NOWHERE)
    found = sorted({*names, *now.locations}, key=lambda place: (place == nowhere, names.get(place, ""), place))
    return FullStatus(
        **numbers(now.numbers, None),
        state=now.state,
        unregistered=now.unregistered,
        lag=now.lag,
        locations=[
            LocationNumbers(
                **numbers(now.locations.get(place, _EMPTY), None if place == nowhere else place),
                name=names.get(place),
            )
            for place in found
        ],
    )


def numbers(found: Numbers, location_id: UUID | None) -> dict[str, object]:
    """The seven keys of the predecessor's answer."""
    return {
        "total": found.total,
        "pending": found.pending,
        "processing": found.processing,
        "completed": found.completed,
        "failed": found.failed,
        "location_id": location_id,
        "completion_rate": found.completion_rate,
    }


def refuse_unknown_place(parts: Parts, location_id: UUID | None) -> None:
    """Raises Refusal (404) if no place has this id; an empty answer would hide a slip. None: no place was asked for."""
    if location_id is None:
        return
    with snapshot(parts.engine) as tables:
        known = any(row["location_id"] == location_id for row in tables.rows("locations"))
    if not known:
        raise Refusal(404, f"no location has the id {location_id}", "GET /api/locations lists them")
