"""Errors as problem details (RFC 9457): what, where, what to do, and an id to find it in the log by."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.queries import Unanswered
from api.status import LogMismatch
from api.uploads import ImportBusy
from producers.requests import Busy, NotRecorded, Unknown
from thumper.errors import DatabaseDown, KafkaDown, Retriable, StoreDown, ThumperError
from thumper.groups import UnknownGroup

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457. `instance` is the path that was asked for; `hint` says what to do."""

    type: str = "about:blank"
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no picture has this id"])
    instance: str = Field(examples=["/api/images/4b4f6f3e-8f43-5a0e-9d0a-6a1d5c0f8a11"])
    hint: str = Field("", examples=["GET /api/images lists them"])
    request_id: str = Field(examples=["0f6f0b3c5d1e4f0aa1b2c3d4e5f60718"])


class Refusal(HTTPException):
    """A request that is not served, with its HTTP status. An HTTPException, which FastAPI lets out of body reading."""

    def __init__(self, status: int, detail: str, hint: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.hint = hint


def response(request: Request, refusal: Refusal) -> JSONResponse:
    """The problem document of `refusal`."""
    problem = Problem(
        title=HTTPStatus(refusal.status_code).phrase,
        status=refusal.status_code,
        detail=refusal.detail,
        instance=request.url.path,
        hint=refusal.hint,
        request_id=request_id(request),
    )
    return JSONResponse(problem.model_dump(), refusal.status_code, refusal.headers, MEDIA_TYPE)


def request_id(request: Request) -> str:
    """The id that the guard has given to this request."""
    return str(request.scope.get("request_id", ""))


def explain(error: ThumperError) -> Refusal:
    """What a caller may know of `error`: addresses, paths and secrets of the machine are left to the log."""
    if isinstance(error, Unknown | UnknownGroup):
        return Refusal(404, error.message, error.hint)
    if isinstance(error, Unanswered | LogMismatch | NotRecorded | Busy | ImportBusy):
        return Refusal(503, error.message, error.hint, _LATER)
    for kind, what in _AWAY.items():
        if isinstance(error, kind):
            return Refusal(503, what, "`thumper check` says why; the log has more under this request id", _LATER)
    return Refusal(500, "something went wrong here", "the log says what, under this request id")


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(ThumperError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


_LATER = {"Retry-After": "1"}
_AWAY: dict[type[ThumperError], str] = {
    KafkaDown: "Kafka does not answer",
    DatabaseDown: "PostgreSQL does not answer",
    StoreDown: "the store of pictures cannot be read",
    Retriable: "something that this needs does not answer",
}


def _failed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ThumperError)  # noqa: S101 - registered for it
    refusal = explain(error)
    log.warning("request failed", request_id=request_id(request), path=request.url.path, error=repr(error))
    return response(request, refusal)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    found = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()[:10]]
    return response(request, Refusal(422, "; ".join(found)[:2_000], "/openapi.json says what each parameter may be"))


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if isinstance(error, Refusal):
        return response(request, error)
    return response(request, Refusal(error.status_code, str(error.detail), headers=dict(error.headers or {})))


def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error("request broke", request_id=request_id(request), path=request.url.path, exc_info=error)
    return response(request, Refusal(500, "something went wrong here", "the log says what, under this request id"))
