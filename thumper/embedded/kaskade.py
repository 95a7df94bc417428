"""The terminal UI for Kafka (kaskade), in an environment of its own, on the cluster that the settings name.

Its packages are listed with their hashes, installed on first use, and never mixed with ours: it wants other releases.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from thumper.errors import Retriable, UserError
from thumper.kafka import connection
from thumper.settings import Settings

_LIST = "kaskade.txt"
MODES = ("admin", "consumer")


class TerminalUiMissing(Retriable):
    """The terminal UI is not here and could not be installed."""


def ui_arguments(words: Sequence[str], config: Path) -> list[str]:
    """Kaskade's arguments: `admin` unless `words` begin with a mode of it, and the file with the cluster's address."""
    if words and words[0] in ("--help", "--version"):
        return list(words)
    mode, rest = (words[0], words[1:]) if words and words[0] in MODES else ("admin", words)
    return [mode, "--config-file", str(config), *rest]


def ui_config(settings: Settings) -> str:
    """Kaskade's INI file: address and credentials as librdkafka names them. Raises UserError, SettingError."""
    lines = ["[kafka]"]
    for name, value in connection(settings).items():
        if any(sign in str(value) for sign in "\r\n") or str(value) != str(value).strip():
            raise UserError(f"{name} begins or ends with a blank, or has a line end, which kaskade cannot read")
        lines.append(f"{name}={value}")
    return "\n".join([*lines, ""])


def run_ui(settings: Settings, words: Sequence[str], say: Callable[[str], None]) -> int:
    """Run it on this terminal; returns its exit code. Raises TerminalUiMissing, UserError."""
    text = ui_config(settings)
    program = installed(settings.data_dir.absolute() / "kaskade", say)
    with tempfile.TemporaryDirectory(prefix="thumper-") as private:
        # Not among the arguments, which everybody on this machine can read.
        config = Path(private) / "kaskade.ini"
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        with subprocess.Popen([str(program), *ui_arguments(words, config)]) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:
                    continue  # the terminal has told it as well, and it may want to go on


def installed(folder: Path, say: Callable[[str], None]) -> Path:
    """The program below `folder`, of the listed release; installs it if need be. Raises TerminalUiMissing."""
    program, mark = folder / "env" / "bin" / "kaskade", folder / "installed"
    listed = files("thumper.embedded").joinpath(_LIST).read_bytes()
    digest = hashlib.sha256(listed).hexdigest()
    with _alone(folder):
        if not (mark.exists() and mark.read_text("ascii") == digest and program.exists()):
            say(f"Installing kaskade, the terminal UI, into {folder}")
            mark.unlink(missing_ok=True)
            _install(folder / "env", listed)
            mark.write_text(digest, "ascii")
    return program


def _install(env: Path, listed: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".txt") as requirements:
        requirements.write(listed)
        requirements.flush()
        _run((sys.executable, "-m", "venv", "--clear", str(env)))
        pip = (str(env / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input")
        # Wheels only: nothing of theirs runs while it is installed.
        _run((*pip, "--only-binary", ":all:", "--require-hashes", "-r", requirements.name))


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise TerminalUiMissing(
            f"kaskade cannot be installed: {said[-1] if said else f'{command[0]} ended with {done.returncode}'}",
            "it comes from PyPI: is there a way to it? Without it: `thumper lag`, `thumper kafka kafka-topics --list`",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One installs; others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
