"""The programs of this system that run beside the embedded servers, and the environment that they are given."""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from thumper.embedded import launch
from thumper.embedded.program import Program
from thumper.errors import SettingError
from thumper.settings import Settings

# One broker on this machine: a killed worker's transaction must end before its successor starts.
_EMBEDDED_DEFAULTS = {"session_timeout_ms": 14_000, "transaction_timeout_ms": 6_000}


def with_embedded_defaults(settings: Settings) -> Settings:
    """The same settings with the embedded time-outs where none were given."""
    missing = {name: value for name, value in _EMBEDDED_DEFAULTS.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=missing)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make another process read the same settings: those that were set, secrets included."""
    return {
        f"THUMPER_{name.upper()}": _text(getattr(settings, name))
        for name in sorted(settings.model_fields_set)
        if getattr(settings, name) is not None
    }


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ":".join(_text(part) for part in value)
    return str(value.absolute()) if isinstance(value, Path) else str(value)


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """Write it for `launch.py`, readable by its owner only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(values, file)


def app_programs(settings: Settings, environment_file: Path) -> list[Program]:
    """sink, api, monitor, detectors. A changed environment changes their marks: a running stack replaces them.

    THUMPER_METRICS_PORT is the sink's; the detectors serve their metrics at the ports after it.
    Raises SettingError if there are not so many.
    """
    names: dict[str, tuple[str, ...]] = {
        "sink": ("sink", "--name", "sink", *_metrics_at(settings, 0)),
        "api": ("api",),
        "monitor": ("monitor", "--name", "monitor"),
    }
    for number in range(1, settings.detectors + 1):
        name = f"detector-{number}"
        names[name] = ("detector", "--name", name, *_metrics_at(settings, number))
    known = json.dumps(environment(settings)).encode()
    marks = {"THUMPER_SETTINGS_HASH": hashlib.sha256(known).hexdigest()[:16]}
    python = (sys.executable, "-I", "-S", launch.__file__, str(environment_file), sys.executable, "-m", "cli.main")
    return [Program(name, (*python, *words), directory=Path.cwd(), marks=marks) for name, words in names.items()]


def _metrics_at(settings: Settings, number: int) -> tuple[str, ...]:
    if not settings.metrics_port:
        return ()
    port = settings.metrics_port + number
    if port > 65_535:
        raise SettingError(
            f"THUMPER_METRICS_PORT is {settings.metrics_port}: {number} detectors need the ports after it",
            "choose a lower one, or 0 for none",
        )
    return ("--metrics-port", str(port))
