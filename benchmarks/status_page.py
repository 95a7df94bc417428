"""GET /api/processing/status with ten million pictures and five million events of lag, beside the same with a thousand.

Two API processes, each on tables and topics of its own (see benchmarks.season), are asked in turn at a constant rate,
by a process that does not wait for one answer before the next question (benchmarks.open_loop). First and last, the
answer is compared with what was filled in. What a request costs is the processor time of API, broker and database
together. Detector and sink do not run: what they do beside it is the business of other rows.
"""

import json
import shutil
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from benchmarks import cpu, peers
from benchmarks.parts import PATIENCE_S, Part, Parts
from benchmarks.report import Question, Row
from benchmarks.season import Season, fill
from benchmarks.turns import OURS, SideFailed, Turns, take_turns
from benchmarks.world import World, apart
from thumper.clock import SystemClock
from thumper.embedded import ports
from thumper.embedded.waiting import wait_until

TIME, COST = "status_at_10_million", "status_cost_at_10_million"
QUESTIONS = [
    Question(TIME, "ms (p99)", "the same with 1,000 pictures"),
    Question(COST, "ms of processor time", "the same with 1,000 pictures", 2.0),
]
MANY, QUICK_MANY, FEW = Season(10_000_000, 5_000_000), Season(20_000, 10_000), Season(1_000, 500)
STATUS = "/api/processing/status"
RATE, SECONDS, QUICK_SECONDS = 200, 30, 2
WANTED_MS = 20.0
# Of tables and log with ten million pictures.
NEEDED_BYTES = 16 * 10**9
# What else there is to see, and how often it is asked a second; each for so many seconds, once.
OTHERS = {
    "/api/status": 20,
    "/metrics": 2,
    "/api/images?limit=100": 20,
    "/api/images?class=doe&limit=100": 20,
    "/api/detections?limit=100": 20,
    "/api/locations": 20,
    "/api/failures": 2,
    "/api/lag": 20,
}
OTHERS_SECONDS, QUICK_OTHERS_SECONDS = 10, 1
# Threads and connections are made by the first requests.
WARM_UP_SECONDS = 1


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The rows that are asked for. Raises SideFailed, KafkaDown, DatabaseDown."""
    quick = world.asked.quick
    if not quick and (free := shutil.disk_usage(world.work).free) < NEEDED_BYTES:
        raise SideFailed(f"{free / 1e9:.0f} GB of disk are free, and {NEEDED_BYTES / 1e9:.0f} are needed")
    with _site(world, "status_few", FEW) as few, _site(world, "status_many", QUICK_MANY if quick else MANY) as many:
        seconds = QUICK_SECONDS if quick else SECONDS
        sides = {OURS: partial(many.rate, seconds), TIME: partial(few.rate, seconds)}
        turns = take_turns(sides, world.asked.rounds, world.say, world.measure)
        pages = many.pages(QUICK_OTHERS_SECONDS if quick else OTHERS_SECONDS)
        many.check()
    rows = {TIME: _times(turns, many, pages), COST: _costs(turns, few, many)}
    return [rows[one.name] for one in asked]


@dataclass
class Site:
    """An API process over tables and topics of its own. seen: what open_loop said, round by round."""

    world: World
    season: Season
    api: Part
    port: int
    seen: list[Mapping[str, float]] = field(default_factory=list)
    used_ms: list[float] = field(default_factory=list)

    def rate(self, seconds: float) -> float:
        """The p99 of one round in ms. Raises SideFailed if a request fails."""
        pids = {"api": self.api.pid, **self.world.servers()}
        before = cpu.used_s(pids)
        found = self.ask(STATUS, RATE, seconds)
        after = cpu.used_s(pids)
        if found["failed"]:
            raise SideFailed(f"{found['failed']:.0f} of {found['requests']:.0f} requests failed")
        self.seen.append(found)
        self.used_ms.append(1_000 * sum(after[name] - before[name] for name in pids) / found["requests"])
        return found["p99_ms"]

    def pages(self, seconds: float) -> str:
        """The p99 of the other pages, in words."""
        found = {path: self.ask(path, rate, seconds) for path, rate in OTHERS.items()}
        return ", ".join(
            f"{path} {seen['p99_ms']:.0f} ms" + (f" ({seen['failed']:.0f} failed)" if seen["failed"] else "")
            if "p99_ms" in seen
            else f"{path} failed"
            for path, seen in found.items()
        )

    def check(self) -> None:
        """Raises SideFailed unless the answer is what was filled in."""
        numbers = self.season.numbers()
        found = self.answer()
        if {name: found[name] for name in numbers} != numbers:
            raise SideFailed(f"the status says {found}, and {numbers} is true")

    def answer(self) -> Mapping[str, int]:
        """What the API says. Raises OSError."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{STATUS}", timeout=PATIENCE_S) as answer:
            found: Mapping[str, int] = json.load(answer)
        return found

    def ask(self, path: str, rate: float, seconds: float) -> Mapping[str, float]:
        """What open_loop says. Raises SideFailed if it cannot."""
        words = ("--port", self.port, "--path", path, "--rate", rate, "--seconds", seconds)
        found: Mapping[str, float] = json.loads(peers.run("open_loop", *words, marks=self.world.marks))
        return found


@contextmanager
def _site(world: World, name: str, season: Season) -> Iterator[Site]:
    """Filled, answering and right; everything is gone afterwards."""
    world.say(f"filling the tables and the log with {season.pictures:,} pictures")
    with apart(world, name, api_port=ports.choose(0)) as settings:
        fill(settings, season)
        with Parts(settings, world.logs, world.marks) as parts:
            site = Site(world, season, parts.start("api"), settings.api_port)
            _wait(site)
            site.check()
            site.ask(STATUS, RATE, WARM_UP_SECONDS)
            yield site


def _wait(site: Site) -> None:
    def answers() -> bool:
        site.api.check()
        try:
            return bool(site.answer())
        except OSError:
            return False

    if not wait_until(answers, SystemClock(), PATIENCE_S):
        raise SideFailed(f"the API did not answer within {PATIENCE_S:.0f} s")


def _times(turns: Turns, many: Site, pages: str) -> Row:
    p50 = [found["p50_ms"] for found in many.seen]
    note = (
        f"{many.season.pictures:,} pictures, lag {many.season.pictures - many.season.done:,}; {RATE} requests/s,"
        f" p50 {min(p50, default=0):.1f} to {max(p50, default=0):.1f} ms; holds: p99 below {WANTED_MS:.0f} ms;"
        f" p99 of other pages: {pages}"
    )
    row = turns.row(QUESTIONS[0], note)
    return replace(row, holds=None if row.value is None else row.value < WANTED_MS)


def _costs(turns: Turns, few: Site, many: Site) -> Row:
    """The same rounds as in `turns`, by what they cost."""
    others = {name: [share for _, share in found] for name, found in turns.measured.items()}
    measured = {
        OURS: list(zip(many.used_ms, others[OURS], strict=False)),
        COST: list(zip(few.used_ms, others[TIME], strict=False)),
    }
    failed = {COST if name == TIME else name: why for name, why in turns.failed.items()}
    row = Turns(turns.wanted, measured, failed).row(QUESTIONS[1], "API, broker and database; holds: at most twice")
    return replace(row, holds=None if row.ratio is None else row.ratio <= (row.goal or 0))
