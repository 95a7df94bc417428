"""Who may ask what: host and origin checks, the token, limits on bodies; in front of every route."""

import asyncio
import ipaddress
import secrets
import socket
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Refusal, response
from thumper.errors import SettingError
from thumper.settings import Settings

# 10,000 image ids as JSON are some 400,000 bytes.
MAX_BODY_BYTES = 1_000_000
# Pictures: the only bodies that are no JSON.
MAX_UPLOAD_BYTES = 500_000_000
UPLOADS = ("POST", "/api/images")
BODY_WITHIN_S = 15.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_door(settings: Settings) -> None:
    """Raises SettingError if others could reach this API and change something without a token."""
    if not is_loopback(settings.api_host) and not _token(settings):
        raise SettingError(
            f"THUMPER_API_HOST is {settings.api_host}: others reach this API, and THUMPER_API_TOKEN is not set",
            "set THUMPER_API_TOKEN, or listen on 127.0.0.1",
        )


class Guard:
    """ASGI middleware: gives each request an id, then refuses what must not get to a route."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = _token(settings)
        self._host = settings.api_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = uuid4().hex
        request = Request(scope)
        try:
            self._check(request)
            body = _CountedBody(receive, request)
        except Refusal as refusal:
            await response(request, refusal)(scope, receive, _marked(scope, send))
            return
        await self._app(scope, body, _marked(scope, send))

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Any page may open one to any server, and read what comes: only our own shall, whatever is asked for."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        try:
            self._check_host(host)
            _check_origin(headers.get("origin"), host)
        except Refusal as refusal:
            # Closed before it is accepted: the caller gets 403.
            await send({"type": "websocket.close", "code": 1008, "reason": str(refusal.detail)})
            return
        await self._app(scope, receive, send)

    def _check_host(self, host: str) -> None:
        if not self._knows_host(host):
            raise Refusal(400, "this server has another name", "ask for the address that it listens on")

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        self._check_host(host)
        if request.method in SAFE_METHODS:
            return
        _check_origin(request.headers.get("origin"), host)
        _check_media_type(request)
        self._check_token(request.headers.get("authorization", ""))

    def _knows_host(self, header: str) -> bool:
        """Against DNS rebinding, which needs a name of its own: addresses are safe, names must be ours."""
        name = _host_name(header)
        if name is None or name in LOOPBACK_NAMES or name in {self._host.lower(), socket.gethostname().lower()}:
            return name is not None
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _check_token(self, header: str) -> None:
        if self._token is None:
            return
        scheme, _, given = header.partition(" ")
        same = secrets.compare_digest(given.strip().encode(), self._token.encode())
        if scheme.lower() != "bearer" or not same:
            raise Refusal(
                401,
                "this needs the token",
                "send the header 'Authorization: Bearer <THUMPER_API_TOKEN>'",
                {"WWW-Authenticate": "Bearer"},
            )


class _CountedBody:
    """Hands the body on, piece by piece, until it is too long or too slow, whatever its headers have promised."""

    def __init__(self, receive: Receive, request: Request) -> None:
        self._receive = receive
        self._bytes = 0
        self._complete = False
        self._most_bytes = MAX_UPLOAD_BYTES if _is_upload(request) else MAX_BODY_BYTES
        length = request.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise Refusal(400, "content-length is not a number")
        if int(length) > self._most_bytes:
            raise _too_long(self._most_bytes)

    async def __call__(self) -> Message:
        """The next message. Raises Refusal."""
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), BODY_WITHIN_S)
        except TimeoutError:
            raise Refusal(408, f"no more of the body came within {BODY_WITHIN_S:.0f} s") from None
        self._bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._bytes > self._most_bytes:
            raise _too_long(self._most_bytes)
        return message


def _too_long(most_bytes: int) -> Refusal:
    return Refusal(413, f"the body has more than {most_bytes} bytes", "ask in several calls", {"Connection": "close"})


def _is_upload(request: Request) -> bool:
    return (request.method, request.url.path) == UPLOADS


def _check_origin(origin: str | None, host: str) -> None:
    """Browsers name the page that sends: only our own may."""
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        raise Refusal(403, "another page's scripts may not change anything here")


def _check_media_type(request: Request) -> None:
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if _is_upload(request):
        if has_body and kind != "multipart/form-data":
            raise Refusal(415, "pictures come as multipart/form-data", "fields: files (several), location_name")
        return
    if has_body and kind != "application/json" and not kind.endswith("+json"):
        raise Refusal(415, "a body must be JSON", "send the header 'Content-Type: application/json'")


def _marked(scope: Scope, send: Send) -> Send:
    headers = {**SECURITY_HEADERS, "x-request-id": scope["request_id"]}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def mark(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *raw]}
        await send(message)

    return mark


def _host_name(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname if header.isascii() and header.isprintable() else None
    except ValueError:
        return None


def _token(settings: Settings) -> str | None:
    return (
        settings.api_token.get_secret_value() if settings.api_token and settings.api_token.get_secret_value() else None
    )
