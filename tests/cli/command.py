"""The command `thumper` as people run it, where nothing needs to be there, and what a refusal looks like."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Nobody listens at such a port.
NOWHERE = {
    "kafka_bootstrap": "127.0.0.1:9",
    "database_url": "postgresql://nobody:secret-word@127.0.0.1:9/deer_tracking",
}


def thumper(folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run `thumper` in `folder` with these settings only."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
    given = {f"THUMPER_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        (sys.executable, "-m", "cli.main", *words),
        env=clean | given | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_refused(done: "subprocess.CompletedProcess[str]", exit_code: int, *words: str) -> None:
    """Said in two lines on standard error, without traceback or secret, and nothing else was done."""
    assert done.returncode == exit_code, done.stderr
    assert len(done.stderr.splitlines()) <= 2, done.stderr
    assert "secret-word" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert done.stdout == ""
