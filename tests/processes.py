"""The parts of this system as real processes on the run's stack, and a look at what they have done."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil
from confluent_kafka import TopicPartition
from sqlalchemy import text

from schemas.codec import DetectionOutcome, decode
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.embedded.apps import environment
from thumper.embedded.ready import mark_path
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_reader
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

ROOT = Path(__file__).parent.parent
CLOCK = SystemClock()
# Long enough for a machine that is busy with other tests; what is waited for usually comes within seconds.
PATIENCE_S = 90.0
LOG_END = 3_000
THUMPER = "cli.main"
NULL_DETECTOR = "tests.faults.null_detector"


def eventually(holds: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait until it holds; fail with `what` if it does not."""
    assert wait_until(holds, CLOCK, within_s), f"not within {within_s:.0f} s: {what}"


def free_port() -> int:
    """A port of this machine that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Part:
    """One process and its log."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path, ready: Path) -> None:
        self.name = name
        self.process = process
        self._log = log
        self._ready = ready

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", errors="replace")

    @property
    def memory_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log[-4_000:]}"
        return self._ready.exists() and self._ready.read_text() == str(self.process.pid)

    def wait_ready(self) -> Self:
        eventually(self.is_ready, f"{self.name} is ready; its log:\n{self.log[-4_000:]}")
        return self

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """At once, as by a power cut."""
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        """In order; the exit code."""
        self.process.terminate()
        return self.process.wait(60)


class Processes:
    """Starts and asks parts; what is left at the end is killed."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self._folder = folder
        self._parts: list[Part] = []
        self._lags = LagReader(settings)
        self._engine = make_engine(settings)

    def start(
        self, *words: str, program: str = THUMPER, variables: Mapping[str, str] | None = None, **changed: object
    ) -> Part:
        """Start a part, like `start("detector", "--name", "d1")`; variables, changed: settings that only it has."""
        settings = self.settings.model_copy(update=changed)
        name = words[words.index("--name") + 1] if "--name" in words else words[0]
        log = self._folder / f"{name}-{len(self._parts)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                (sys.executable, "-m", program, *words),
                env={**self._environment(settings), **(variables or {})},
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the tests; they end their parts themselves.
                start_new_session=True,
            )
        part = Part(name, process, log, mark_path(settings.data_dir, name))
        self._parts.append(part)
        return part

    def sink(self, name: str = "sink") -> Part:
        return self.start("sink", "--name", name)

    def null_detector(self, name: str = "d1", latency_s: float = 0.0, *more: str) -> Part:
        """A detector whose boxes follow from the pixels alone."""
        return self.start("detector", "--name", name, "--latency", str(latency_s), *more, program=NULL_DETECTOR)

    def api(self) -> Part:
        """An API that answers, at `api_port` of the settings."""
        part = self.start("api")
        eventually(self._api_answers, "the API answers")
        return part

    def run(self, *words: str, **changed: object) -> "subprocess.CompletedProcess[str]":
        """Run a command of `thumper` to its end."""
        return subprocess.run(
            (sys.executable, "-m", THUMPER, *words),
            env=self._environment(self.settings.model_copy(update=changed)),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def _environment(self, settings: Settings) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("THUMPER_")}
        given = {"THUMPER_LOG_FORMAT": "json", **environment(settings)}
        return clean | given | {"PYTHONPATH": str(ROOT)}

    # Looking

    def get(self, path: str) -> Any:
        """What the API answers. Raises OSError if it does not, or with a status that is not 200."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.api_port}{path}", timeout=30) as answer:
            return json.load(answer)

    def _api_answers(self) -> bool:
        try:
            return bool(self.get("/health"))
        except OSError:
            return False

    def sql(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def lag(self, group: str) -> int:
        return self._lags.read(group, WORK if group == "detector" else RECORDED).lag

    def ends(self, topic: str) -> dict[Partition, int]:
        return self._lags.ends([topic])

    def wait_drained(self, within_s: float = PATIENCE_S) -> None:
        """Until detector and sink have a lag of exactly 0."""
        eventually(lambda: self.lag("detector") == 0 and self.lag("sink") == 0, "all is drained", within_s)

    def status(self) -> dict[str, Any]:
        """What `thumper status --json` says."""
        done = self.run("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def outcomes(self) -> "list[DetectionOutcome]":
        """Every committed outcome, in the order of each partition."""
        return [decode("detections", value) for value in read_all(self.settings, "detections")]

    # Ending

    def show(self) -> None:
        """The ends of all logs; pytest shows them where a test has failed."""
        for part in self._parts:
            print(f"--- {part.name} ({part.process.poll()})\n{part.log[-LOG_END:]}")  # noqa: T201

    def close(self) -> None:
        self.show()
        for part in self._parts:
            if part.process.poll() is None:
                part.send(signal.SIGCONT)
                part.kill()
        self._lags.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_all(settings: Settings, topic: str) -> list[bytes]:
    """Every committed value, in the order of each partition."""
    lags = LagReader(settings)
    ends = lags.ends([topic])
    lags.close()
    name = Names(settings).topic(topic)
    reader = make_reader(settings)
    places = [TopicPartition(name, part.number, 0) for part in ends]
    reader.assign(places)
    values: list[bytes] = []
    until_s = CLOCK.now_s() + PATIENCE_S
    while any(max(0, place.offset) < ends[Partition(topic, place.partition)] for place in reader.position(places)):
        assert CLOCK.now_s() < until_s, f"{topic} cannot be read to its end"
        message = reader.poll(0.2)
        if message is not None and message.error() is None:
            values.append(bytes(message.value() or b""))
    reader.close()
    return values


def assert_each_once(outcomes: "Sequence[DetectionOutcome]", ends: Mapping[Partition, int], passes: int = 1) -> None:
    """In `detections`, the offsets of each partition of `images` run from 0 to its end without hole or repeat.

    And so once more for every replay from the start. Needs equal partition counts and keys.
    """
    found: dict[int, list[int]] = defaultdict(list)
    for outcome in outcomes:
        assert outcome.origin.topic == "images"
        found[outcome.origin.partition].append(outcome.origin.offset)
    wanted = {part.number: list(range(end)) * passes for part, end in ends.items() if end}
    assert dict(found) == wanted
