"""What a worker that joins, leaves or is killed under load costs: seconds until the others have made up for it.

Several detectors, each with a backend that sleeps, work through more events than they can. After the disturbance the
outcomes, by the broker's clock, are counted in windows of a second that slide: the answer is the start of the first
window from which on each holds at least nine tenths of what so many workers shall do. What one shall do is what each
did before. Where somebody goes, its partitions must have new owners too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from statistics import median
from typing import Any, Protocol

from benchmarks.crew import Crew
from benchmarks.outcomes import times_s
from benchmarks.parts import Part, Parts
from benchmarks.report import Question, Row, answer
from benchmarks.turns import Say, SideFailed
from benchmarks.windows import count_in, recovered_after_s
from benchmarks.world import World, apart
from tests.faults.synthetic import emit_images
from thumper.clock import SystemClock
from thumper.lag import LagReader
from thumper.topics import ensure_topics

JOINS, LEAVES, KILLED = "worker_joins", "worker_leaves", "worker_killed"
GRACEFUL_S, AFTER_SESSION_S = 3.0, 5.0
QUESTIONS = [
    Question(JOINS, "s", f"at most {GRACEFUL_S:.0f} s"),
    Question(LEAVES, "s", f"at most {GRACEFUL_S:.0f} s"),
    Question(KILLED, "s", f"at most the session's time-out and {AFTER_SESSION_S:.0f} s"),
]
ENOUGH = 0.9
# Ten batches of each worker are in a window, so that one more or less is noise of a few percent.
BATCH, LATENCY_S, WINDOW_S = 16, 0.1, 1.0
WORKERS, PARTITIONS = 4, 12
BEFORE_S, AFTER_S = 5.0, 10.0
ROUNDS, QUICK_ROUNDS = 3, 1


class Log(Protocol):
    """What a worker has said (parts.Part)."""

    def said(self, *events: str) -> Iterator[dict[str, Any]]:
        """Every line that says one of `events`, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happened when, in seconds since 1970. workers: how many there are afterwards.

    heirs: the log of each says which partitions it got; gone: those partitions that need new owners.
    """

    at_s: float
    workers: int
    heirs: Sequence[Log] = ()
    gone: frozenset[str] = frozenset()


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The rows that are asked for. Raises SideFailed, KafkaDown."""
    return [_row(world, question) for question in asked]


def _row(world: World, asked: Question) -> Row:
    with apart(world, f"bench_{asked.name}", partitions=PARTITIONS, batch_size=BATCH) as settings:
        ensure_topics(settings)
        session_s = settings.session_timeout_ms / 1_000
        limit_s = session_s + AFTER_SESSION_S if asked.name == KILLED else GRACEFUL_S
        found, notes, others = [], [], []
        for number in range(QUICK_ROUNDS if world.asked.quick else ROUNDS):
            own = settings.model_copy(update={"group_prefix": f"{asked.name}-{number}."})
            with Parts(own, world.folder(f"{asked.name}-{number}"), world.marks) as parts:
                crew, said = Crew(own, parts, LATENCY_S), list[str]()
                crew.grow(WORKERS)
                seconds, share = world.measure(partial(measure, crew, asked.name, limit_s, said.append))
            world.say(f"{asked.name}: {seconds:.1f} s; {said[-1]}")
            found.append(seconds)
            notes += said
            others.append(share)
    row = answer(asked, found, [limit_s] * len(found), f"{WORKERS} workers before; " + " | ".join(notes))
    return replace(row, holds=median(found) <= limit_s, disturbed=round(max(others), 1))


def measure(crew: Crew, what: str, limit_s: float, say: Say) -> float:
    """Seconds until all is well again. say: is told the details. Raises SideFailed if the rate does not come back."""
    clock, watched_s = SystemClock(), limit_s + AFTER_S
    with closing(LagReader(crew.settings)) as lags:
        starts = lags.ends(["detections"])
        emit_images(crew.settings, _enough(watched_s))
        clock.sleep(2 * WINDOW_S)  # until each has its hands full
        from_s = clock.wall().timestamp()
        clock.sleep(BEFORE_S)
        done = DO[what](crew)
        clock.sleep(max(0.0, done.at_s + watched_s - clock.wall().timestamp()))
        until_s = clock.wall().timestamp()
        times = times_s(crew.settings, starts, lags.ends(["detections"]))
    seconds, note = judged(times, from_s, until_s, done)
    say(note)
    return seconds


def judged(times: Sequence[float], from_s: float, until_s: float, done: Disturbance) -> tuple[float, str]:
    """Seconds until all is well again, and the words for it. Raises SideFailed if it is not by `until_s`."""
    before = count_in(times, from_s, from_s + BEFORE_S) / BEFORE_S
    after = before * done.workers / WORKERS
    if not count_in(times, until_s - WINDOW_S, until_s):
        raise SideFailed("nothing is done at the end: are there too few events?")
    recovered_s = recovered_after_s(times, done.at_s, ENOUGH * after, WINDOW_S, until_s)
    if recovered_s is None:
        end = count_in(times, until_s - BEFORE_S, until_s) / BEFORE_S
        raise SideFailed(
            f"{before:.0f} pictures/s before, {end:.0f} at the end, {after:.0f} wanted:"
            f" not back within {until_s - done.at_s:.0f} s"
        )
    owned_s = taken_over_after_s(done)
    note = f"{before:.0f} pictures/s before, {after:.0f} wanted, rate back after {recovered_s:.1f} s"
    return max(recovered_s, owned_s), note + (f", new owners after {owned_s:.1f} s" if done.gone else "")


def taken_over_after_s(done: Disturbance) -> float:
    """Seconds until the last of the partitions that lost their owner has another. Raises SideFailed if one has none."""
    taken: dict[str, float] = {}
    for heir in done.heirs:
        for said in heir.said("partitions assigned"):
            at_s = datetime.fromisoformat(said["timestamp"]).timestamp()
            if at_s > done.at_s:
                taken |= dict.fromkeys(partitions_in(said["partitions"]), at_s - done.at_s)
    if not done.gone <= taken.keys():
        raise SideFailed(f"nobody has taken over: {', '.join(sorted(done.gone - taken.keys()))}")
    return max((taken[one] for one in done.gone), default=0.0)


def partitions_in(words: str) -> set[str]:
    """`images 0,1; requests 2` as {"images 0", "images 1", "requests 2"}."""
    pairs = (part.split(" ") for part in words.split("; ") if part)
    return {f"{topic} {number}" for topic, numbers in pairs for number in numbers.split(",")}


def owned_by(part: Log) -> frozenset[str]:
    """What a worker has now, by its log."""
    owned: set[str] = set()
    for said in part.said("partitions assigned", "partitions revoked", "partitions lost"):
        words = partitions_in(said["partitions"])
        owned = owned | words if said["event"] == "partitions assigned" else owned - words
    return frozenset(owned)


def _enough(watched_s: float) -> int:
    # Each partition with events for all the time, so that no worker runs out.
    return int(2 * PARTITIONS * BATCH / LATENCY_S * (BEFORE_S + watched_s))


def _joins(crew: Crew) -> Disturbance:
    part = crew.start().wait_ready()
    return Disturbance(part.said_at("joins the group").timestamp(), WORKERS + 1)


def _leaves(crew: Crew) -> Disturbance:
    return _goes(crew, Part.ask_to_stop)


def _killed(crew: Crew) -> Disturbance:
    return _goes(crew, Part.kill)


def _goes(crew: Crew, how: Callable[[Part], None]) -> Disturbance:
    victim = crew.members.pop()
    gone = owned_by(victim)
    at_s = SystemClock().wall().timestamp()
    how(victim)
    return Disturbance(at_s, WORKERS - 1, tuple(crew.members), gone)


DO: dict[str, Callable[[Crew], Disturbance]] = {JOINS: _joins, LEAVES: _leaves, KILLED: _killed}
