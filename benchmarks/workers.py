"""More and more detectors side by side: does the rate grow with them? With the predecessor it fell.

Each is a process of its own with the real loop; in place of a model it has one that sleeps, so that only what surrounds
the models can make them slower. They are added to those that work already, as a user adds them. When the group has
settled, the outcomes that come within a minute are counted by the broker's clock.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from benchmarks import cpu
from benchmarks.crew import Crew, machine_share
from benchmarks.outcomes import times_s
from benchmarks.parts import Parts
from benchmarks.report import Question, Row, answer, unmeasured
from benchmarks.turns import Say, SideFailed
from benchmarks.windows import rate_from_first
from benchmarks.world import World, apart
from cli.wiring import DETECTOR
from tests.faults.synthetic import emit_images
from thumper.clock import SystemClock
from thumper.lag import LagReader
from thumper.topics import ensure_topics

NAME = "workers"
EFFICIENT = 0.9
QUESTIONS = [
    Question(NAME, "pictures/min", "as many times the rate of one; one: 16 pictures in each 2 s", EFFICIENT),
]
BATCH = 16
# With more of the machine in use than this, in percent, the workers wait for the processor and not for their model.
MOST_USED = 70.0
# On the safe side: for so long a group works and is not measured, since it is still settling.
SETTLING_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many workers one after the other, on how many partitions; what a batch takes; how long is counted."""

    workers: tuple[int, ...] = (1, 2, 16, 32, 64)
    partitions: int = 64
    latency_s: float = 2.0
    window_s: float = 60.0
    settling_s: float = SETTLING_S

    def events(self) -> int:
        """Enough for a step, even if each worker takes all from a single partition first."""
        return int(BATCH / self.latency_s * (self.window_s + self.settling_s) * self.partitions)


QUICK = Plan((1, 2, 4), partitions=8, latency_s=0.2, window_s=4.0, settling_s=20.0)


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured with so many workers. rate: pictures a second; used: percent of the machine."""

    workers: int
    rate: float
    used: float
    note: str


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """A row for each number of workers. Raises SideFailed, KafkaDown."""
    plan = QUICK if world.asked.quick else Plan()
    own = {"partitions": plan.partitions, "batch_size": BATCH}
    with apart(world, "bench_workers", **own) as settings:
        ensure_topics(settings)
        with Parts(settings, world.folder("workers"), world.marks) as parts:
            steps = measure(Crew(settings, parts, plan.latency_s), plan, world.say)
    return rows(asked[0], steps, BATCH / plan.latency_s)


def measure(crew: Crew, plan: Plan, say: Say) -> list[Step]:
    """Add workers as planned. Raises SideFailed if one ends, or if the events do not last."""
    steps = []
    with closing(LagReader(crew.settings)) as lags:
        for number, workers in enumerate(plan.workers):
            emit_images(crew.settings, (number + 1) * plan.events(), number * plan.events())
            crew.grow(workers)
            steps.append(_step(crew, plan, lags))
            say(f"{workers} workers: {60 * steps[-1].rate:,.0f} pictures/min; {steps[-1].note}")
    return steps


def _step(crew: Crew, plan: Plan, lags: LagReader) -> Step:
    clock = SystemClock()
    starts, start_s, looked_s = lags.ends(["detections"]), clock.wall().timestamp(), clock.now_s()
    busy_s, own_s = cpu.busy_s(), crew.used_s()
    # Longer by a batch than what is counted, which begins with the first outcome.
    clock.sleep(plan.window_s + 2 * plan.latency_s)
    passed_s = clock.now_s() - looked_s
    used = machine_share(busy_s, cpu.busy_s(), passed_s)
    own = machine_share(own_s, crew.used_s(), passed_s)
    if any(part.lag == 0 for part in lags.read(DETECTOR, ["images"]).partitions):
        raise SideFailed(f"with {len(crew.members)} workers the events did not last: a partition has none left")
    rate = rate_from_first(times_s(crew.settings, starts, lags.ends(["detections"])), start_s, plan.window_s)
    note = f"{used:.0f} % of the processors used, {own:.0f} by the workers; {crew.memory_mb():.0f} MB each at most"
    return Step(len(crew.members), rate, used, note)


def rows(asked: Question, steps: Sequence[Step], one: float) -> list[Row]:
    """A row for each step, which holds if it is efficient, and no slower than with fewer workers.

    one: pictures a second that a single worker cannot exceed.
    """
    base = steps[0].rate
    found = []
    for before, step in zip([None, *steps], steps, strict=False):
        question = replace(asked, name=f"{NAME}_{step.workers}")
        if step.used > MOST_USED:
            reason = f"the machine was the limit: {step.note} (valid up to {MOST_USED:.0f} %)"
            found.append(unmeasured(question, reason))
            continue
        linear = one if before is None else step.workers * base
        row = answer(question, [60 * step.rate], [60 * linear], step.note)
        grows = before is None or step.rate >= before.rate
        found.append(replace(row, holds=bool(row.holds) and grows))
    return found
