"""Structured logs: one JSON object a line for machines, coloured text for a terminal."""

import json
import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from pydantic_core import to_json

from thumper.clock import SystemClock
from thumper.settings import Settings


def configure_logs(settings: Settings, **fields: str) -> None:
    """Set up logging for this process. `fields` (worker, group, ...) stand on every line. Logs go to stderr."""
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level]
    clock = SystemClock()

    def complete(_: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Not by structlog's contextvars, which other threads do not see. Renderers write times faster than isoformat.
        return {**fields, **event, "level": level, "timestamp": clock.wall()}

    structlog.configure(
        processors=[
            complete,
            structlog.processors.format_exc_info,
            _one_line,
            structlog.processors.JSONRenderer(_json) if as_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(name)s: %(message)s", force=True
    )


@contextmanager
def together() -> Iterator[None]:
    """What this thread logs meanwhile is written at its end, in one go. Not within itself.

    Each write is a call of the system and lets another thread have the interpreter: a line for each picture, written
    one by one, took a seventh of the detector's loop without a model.
    """
    _waiting.lines = []
    try:
        yield
    finally:
        lines, _waiting.lines = _waiting.lines, None
        _write("".join(lines))


class _Waiting(threading.local):
    """Lines that this thread writes later. None: it writes at once."""

    lines: list[str] | None = None


_waiting = _Waiting()
_writing = threading.Lock()


class _Lines:
    """Where structlog's lines go."""

    def msg(self, line: str) -> None:
        """Write `line`, or keep it for the end of `together`."""
        if _waiting.lines is None:
            _write(f"{line}\n")
        else:
            _waiting.lines.append(f"{line}\n")

    debug = info = warning = error = critical = msg


def _write(text: str) -> None:
    with _writing:
        sys.stderr.write(text)
        sys.stderr.flush()


def _json(event: MutableMapping[str, Any], **_: object) -> str:
    """As json.dumps, in a sixth of its time."""
    try:
        return to_json(event, ensure_ascii=True, fallback=repr).decode()
    except ValueError:  # bytes, or halves of characters, that are no UTF-8
        return json.dumps(event, default=str)


def _one_line(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A file name or an error text must not be able to forge a line."""
    return {
        key: _escaped(value) if isinstance(value, str) and key != "exception" else value for key, value in event.items()
    }


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
