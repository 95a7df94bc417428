"""The parts of this system as processes, on the embedded servers of the benchmark."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from benchmarks.peers import LIMIT_S, ROOT
from benchmarks.turns import SideFailed
from thumper.clock import SystemClock
from thumper.embedded.apps import environment
from thumper.embedded.ready import mark_path
from thumper.embedded.waiting import wait_until
from thumper.settings import Settings

PATIENCE_S = 120.0
# Where a part tells its threads (benchmarks.told_threads).
THREADS_FILE = "THREADS_FILE"


class Part:
    """One process and its log, one JSON object a line."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path, ready: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log
        self._ready = ready

    def check(self) -> None:
        """Raises SideFailed if it has ended."""
        if self._process.poll() is not None:
            last = self._log.read_text("utf-8", errors="replace").strip().splitlines()[-1:]
            raise SideFailed(f"{self.name} ended with {self._process.returncode}: {' '.join(last)[:300]}")

    def wait_ready(self) -> Self:
        """Until it is a member of its group. Raises SideFailed."""

        def ready() -> bool:
            self.check()
            return self._ready.exists() and self._ready.read_text() == str(self.pid)

        if not wait_until(ready, SystemClock(), PATIENCE_S):
            raise SideFailed(f"{self.name} was not ready within {PATIENCE_S:.0f} s")
        return self

    def said_at(self, event: str) -> datetime:
        """When it first logged `event`. Raises SideFailed if it has not."""
        for said in self.said(event):
            return datetime.fromisoformat(said["timestamp"])
        raise SideFailed(f"{self.name} has not said: {event}")

    def said(self, *events: str) -> Iterator[dict[str, Any]]:
        """Every line of its log that says one of `events`, in order."""
        for line in self._log.read_text("utf-8", errors="replace").splitlines():
            if any(f'"{event}"' in line for event in events) and (said := json.loads(line))["event"] in events:
                yield said

    def ask_to_stop(self) -> None:
        """It finishes in order what it has in hand; `stop` waits for that."""
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """At once, as by a power cut."""
        self._process.kill()
        self._process.wait(30)

    def threads(self) -> dict[int, str]:
        """Python's names of its threads by Linux's number of them, if it was started to tell them."""
        told: dict[str, str] = json.loads(_threads_of(self._log).read_text())
        return {int(number): name for number, name in told.items()}

    def stop(self) -> None:
        """In order; at once if that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(30)


class Parts:
    """Starts parts; a context manager that stops what is left. told: they tell their threads (see Part.threads)."""

    def __init__(self, settings: Settings, folder: Path, marks: Mapping[str, str], told: bool = False) -> None:
        self.settings = settings
        self._program = "benchmarks.told_threads" if told else ""
        self._folder = folder
        self._marks = marks
        self._started: list[Part] = []
        folder.mkdir(parents=True, exist_ok=True)

    def null_detector(self, name: str, latency_s: float = 0.0) -> Part:
        """Start a detector that looks at nothing and takes `latency_s` for each batch; all else is the real one's."""
        return self.start(
            "detector", "--name", name, "--latency", str(latency_s), "--unread", program="tests.faults.null_detector"
        )

    def start(self, *words: str, settings: Settings | None = None, program: str = "cli.main") -> Part:
        """Start a part, like `start("detector", "--name", "detector-1")`. settings: only for this one."""
        name = words[words.index("--name") + 1] if "--name" in words else words[0]
        log = self._folder / f"{name}-{len(self._started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                (sys.executable, "-m", self._program or program, *words),
                env=self._environment(settings or self.settings) | {THREADS_FILE: str(_threads_of(log))},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the benchmark, which then stops its parts in order.
                start_new_session=True,
            )
        part = Part(name, process, log, mark_path(self.settings.data_dir, name))
        self._started.append(part)
        return part

    def json_of(self, *words: str) -> dict[str, Any]:
        """Run a command of `thumper` to its end; the JSON object that it prints. Raises SideFailed."""
        done = subprocess.run(
            (sys.executable, "-m", "cli.main", *words),
            env=self._environment(self.settings),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        if done.returncode != 0:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            raise SideFailed(f"thumper {words[0]} ended with {done.returncode}: {last[:300]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def stop(self) -> None:
        """Stop all, those that were started last first; all are asked before one is waited for."""
        for part in reversed(self._started):
            part.ask_to_stop()
        for part in reversed(self._started):
            part.stop()
        self._started.clear()

    def _environment(self, settings: Settings) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
        given = environment(settings) | {"THUMPER_LOG_FORMAT": "json"}
        return clean | given | dict(self._marks) | {"PYTHONPATH": str(ROOT)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _threads_of(log: Path) -> Path:
    return log.absolute().with_suffix(".threads")
