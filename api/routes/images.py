"""`/api/images`: pictures, one picture, its bytes, its boxes, its thumbnail."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from api.cursors import Cursor
from api.deps import Deps, Filters, ImageId, Narrowed, Parts, Shown, shown
from api.pictures import MEDIA_TYPES, Boxed, thumbnail, with_boxes
from api.problems import Refusal
from api.queries import Reader, Row, positions, snapshot
from api.responses import Box, Page, Picture, PictureDetail, PictureStatus, Place
from api.routes.status import refuse_unknown_place
from thumper.errors import PictureError
from thumper.store import check_sha256
from thumper.tables import COMPLETED, FAILED

router = APIRouter(prefix="/api/images", tags=["images"])
_STATES = {"completed": COMPLETED, "failed": FAILED}
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "the picture"}}


@router.get("", operation_id="list_images")
def images(
    parts: Parts,
    narrowed: Narrowed,
    status: Annotated[PictureStatus | None, Query(description="pending: anywhere in the pipeline")] = None,
) -> Page[Picture]:
    """Pictures, the newest first, those without a time last. A class or a confidence asks for pictures that show it."""
    committed = parts.now.get().committed
    refuse_unknown_place(parts, narrowed.location_id)
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings, narrowed.min_confidence)
        values = {**selected(narrowed, seen, status), **positions(committed), "image": None}
        rows = pages(tables, "pictures", narrowed, values)
    items = [Picture(**row) for row in rows[: narrowed.limit]]
    return Page(items=items, next=following(rows, narrowed))


def selected(narrowed: Filters, seen: Shown, status: PictureStatus | None) -> dict[str, object]:
    """Which pictures a list holds, as the statements take it."""
    return {
        **narrowed.values,
        "model": seen.model_id,
        "confidence": seen.confidence,
        "boxed": narrowed.class_name is not None or narrowed.min_confidence is not None,
        "state": _STATES.get(status or ""),
        "waiting": status == "pending",
    }


@router.get("/{image_id}", operation_id="get_image")
def image(parts: Parts, image_id: ImageId) -> PictureDetail:
    """All that is known of a picture; its boxes from the active model's display threshold on."""
    committed = parts.now.get().committed
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings)
        values = {"image": str(image_id), "model": seen.model_id, "confidence": seen.confidence}
        row = tables.row("picture", **values, **positions(committed))
        boxes = tables.rows("boxes", **values)
        places = tables.rows("places", image=str(image_id))
    if row is None:
        raise _unknown(image_id)
    return PictureDetail(**row, boxes=[Box(**box) for box in boxes], places=[Place(**place) for place in places])


@router.get("/{image_id}/picture", operation_id="get_picture", response_class=Response, responses=_JPEG)
async def picture(
    parts: Parts,
    request: Request,
    image_id: ImageId,
    boxes: Annotated[bool, Query(description="a JPEG with the boxes drawn, instead of the original")] = False,
    min_confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
) -> Response:
    """The original's bytes, or a JPEG at most 1,600 pixels wide and high with what the active model saw."""
    work = partial(_drawn, parts, image_id, min_confidence) if boxes else partial(_original, parts, image_id, request)
    return await to_thread.run_sync(work, limiter=parts.drawing)


@router.get("/{image_id}/thumbnail", operation_id="get_thumbnail", response_class=Response, responses=_JPEG)
async def small(parts: Parts, request: Request, image_id: ImageId) -> Response:
    """A JPEG at most 320 pixels wide and high."""
    return await to_thread.run_sync(partial(_small, parts, image_id, request), limiter=parts.drawing)


def pages(tables: Reader, name: str, narrowed: Filters, values: dict[str, object]) -> list[Row]:
    """Rows of this page, and one more if there is a next: dated pictures first, then those without a time."""
    wanted = narrowed.limit + 1
    rows: list[Row] = []
    if narrowed.cursor.dated:
        rows += tables.rows(name, dated=True, limit=wanted, **values)
    if len(rows) < wanted and not narrowed.timed:
        start = {} if not narrowed.cursor.dated else {"after_id": None, "after_time": None}
        rows += tables.rows(name, **{**values, "dated": False, "limit": wanted - len(rows), **start})
    return rows


def following(rows: list[Row], narrowed: Filters) -> str | None:
    """The next page's cursor, or None if `rows` end here."""
    if len(rows) <= narrowed.limit:
        return None
    last = rows[narrowed.limit - 1]
    time = last["taken_at"]
    return Cursor(dated=time is not None, time=time, id=last["image_id"], n=last.get("n")).word()


def _original(parts: Deps, image_id: ImageId, request: Request) -> Response:
    row = _claim(parts, image_id)
    if _has(request, row["sha256"]):
        return _unchanged(row["sha256"])
    kind = row["media_type"] if row["media_type"] in MEDIA_TYPES else "application/octet-stream"
    return Response(_bytes(parts, row), media_type=kind, headers={**_FOR_EVER, "ETag": f'"{row["sha256"]}"'})


def _small(parts: Deps, image_id: ImageId, request: Request) -> Response:
    row = _claim(parts, image_id)
    if _has(request, row["sha256"]):
        return _unchanged(row["sha256"])
    data = _shown(row, partial(thumbnail, _bytes(parts, row)))
    return Response(data, media_type="image/jpeg", headers={**_FOR_EVER, "ETag": f'"{row["sha256"]}"'})


def _drawn(parts: Deps, image_id: ImageId, min_confidence: float | None) -> Response:
    with snapshot(parts.engine) as tables:
        seen = shown(tables, parts.settings, min_confidence)
        found = tables.rows("boxes", image=str(image_id), model=seen.model_id, confidence=seen.confidence)
    row = _claim(parts, image_id)
    boxes = [Boxed(**box) for box in found]
    data = _shown(row, partial(with_boxes, _bytes(parts, row), boxes))
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


def _claim(parts: Deps, image_id: ImageId) -> Row:
    with snapshot(parts.engine) as tables:
        row = tables.row("claim", image=str(image_id), model=shown(tables, parts.settings).model_id)
    if row is None:
        raise _unknown(image_id)
    return row


def _bytes(parts: Deps, row: Row) -> bytes:
    """The picture's bytes, and no others. Raises Refusal, StoreDown."""
    try:
        data = parts.store.read(row["uri"], row["size_bytes"], parts.settings.max_picture_bytes)
        check_sha256(data, row["sha256"])
    except PictureError as error:
        missing = error.error_class in {"missing", "forbidden_path"}
        raise Refusal(404 if missing else 422, error.message, "the picture cannot be shown; its results can") from error
    return data


def _shown(row: Row, show: Callable[[], bytes]) -> bytes:
    if row["error_class"] == "crash":
        raise Refusal(422, "decoding this picture has ended a worker, so it is not tried here")
    try:
        return show()
    except PictureError as error:
        raise Refusal(422, error.message, "ask for the original: the same address without boxes") from error


def _has(request: Request, sha256: str) -> bool:
    return f'"{sha256}"' in request.headers.get("if-none-match", "")


def _unchanged(sha256: str) -> Response:
    return Response(status_code=304, headers={**_FOR_EVER, "ETag": f'"{sha256}"'})


def _unknown(image_id: ImageId) -> Refusal:
    return Refusal(404, f"no picture has the id {image_id}", "GET /api/images lists them")
