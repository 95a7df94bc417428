"""What goes on while faults strike: imports of new pictures, calls of the API, and a look at the status."""

import json
import os
import threading
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from random import Random

from tests.faults.evidence import Sample
from tests.faults.schedule import IMPORT
from tests.faults.world import PROGRAM, World
from tests.processes import Part, Processes

# The API's answer may be so old; what was acknowledged before must be in it.
ANSWER_AGE_S = 0.3
ASK_EVERY_S = 0.7
CARD_PICTURES = (100, 500)
IMPORT_S = 240.0
# Of `thumper import`: something that it needs was away; the same again goes on.
AWAY = 3


class Workload:
    """Threads that go on until `end`; `rest` waits for them to finish what they have, `go_on` lets them."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._random = Random(f"workload {seed}")  # noqa: S311 - it shall be predictable
        self._books = world.books
        self.asked = 0
        self._import: Part | None = None
        self._going = threading.Event()
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._busy = threading.Lock()
        jobs = (self._import_card, self._ask, self._look)
        self._threads = [threading.Thread(target=self._again, args=(job,), name=job.__name__) for job in jobs]

    def begin(self) -> None:
        """Start."""
        self._going.set()
        for thread in self._threads:
            thread.start()

    def rest(self) -> None:
        """No new imports and calls. Returns when the running import is complete. Raises what went wrong."""
        self._going.clear()
        with self._busy:
            pass
        if self._failure is not None:
            raise self._failure

    def go_on(self) -> None:
        """After `rest`."""
        self._going.set()

    def end(self) -> None:
        """For good."""
        self._ended.set()
        self._going.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def kill_import(self) -> bool:
        """Whether one ran."""
        running = self._import
        if running is None or running.process.poll() is not None:
            return False
        running.process.kill()
        return True

    def _again(self, job: Callable[[], None]) -> None:
        while not self._ended.is_set():
            if job != self._look:
                self._going.wait()
            try:
                job()
            except Exception as error:
                self._failure = error
                raise

    # Imports

    def _import_card(self) -> None:
        with self._busy:
            if self._ended.is_set() or not self._going.is_set():
                return
            count = self._random.randint(*CARD_PICTURES)
            card, numbers = self._books.card(count)
            while not self._imported(card):
                if self._ended.is_set():
                    return
            self._books.complete.update(numbers)

    def _imported(self, card: Path) -> bool:
        """Run one import of it; whether all of it is in the log."""
        words = ["import", "--name", IMPORT, "--orders", os.fspath(self._world.orders.folder)]
        words += ["--ledger", os.fspath(self._books.ledger.path), "--card", os.fspath(card)]
        history = self._world.history
        history.note("import", "invoke", card=card.name)
        self._import = self._world.parts.start(*words, program=PROGRAM)
        code = self._import.process.wait(IMPORT_S)
        history.note("import", "ok" if code == 0 else "info", card=card.name, code=code)
        if code not in (0, AWAY, -9):
            raise RuntimeError(f"import ended with {code}: {self._import.log[-300:]}")
        return code == 0

    # Calls of the API

    def _ask(self) -> None:
        self._ended.wait(ASK_EVERY_S)
        known = list(self._books.complete)
        if not known or not self._going.is_set():
            return
        chosen = self._random.sample(known, min(len(known), self._random.randint(1, 12)))
        # A call whose answer is lost is made again: what it asked for is not asked for twice.
        for _ in range(2):
            if self._called(chosen):
                return

    def _called(self, chosen: list[str]) -> bool:
        history, body = self._world.history, json.dumps({"image_ids": chosen}).encode()
        url = f"http://127.0.0.1:{self._world.settings.api_port}/api/processing/batch"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        history.note("batch", "invoke", pictures=len(chosen))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                found = json.load(answer)
        except (OSError, HTTPException, ValueError) as error:
            history.note("batch", "info", error=str(error))
            return False
        self.asked += 1
        history.note("batch", "ok", queued=found["queued_count"])
        return True

    # Status

    def _look(self) -> None:
        acked = self._books.ledger.count()
        self._ended.wait(ANSWER_AGE_S)
        if (sample := sample_now(self._world.parts, acked)) is not None:
            self._books.samples.append(sample)

    def wait_for_pictures(self, count: int) -> None:
        """Until so many are acknowledged."""
        self._world.wait(lambda: self._failure is not None or self._books.ledger.count() >= count, "imports", IMPORT_S)
        if self._failure is not None:
            raise self._failure


def sample_now(parts: Processes, acked: int) -> Sample | None:
    """What the API says now; None if it does not answer."""
    try:
        now = parts.get("/api/processing/status")
    except (OSError, HTTPException, ValueError):
        return None
    return Sample(acked, *(int(now[name]) for name in ("total", "pending", "processing", "completed", "failed")))
