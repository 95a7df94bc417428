"""Where each millisecond of a picture goes, in a pass of the whole pipeline (benchmarks.passes).

On a processor that is always busy, the time that a step takes by the clock is mostly waiting for others. So the profile
counts processor time: by thread in detector and sink, by process elsewhere. With what others used and what was idle it
is all that the cores had to give, divided by the pictures: the parts sum up to the whole. Decoding threads read too:
how much of their time that was follows from the clock, in the outcomes. The way of a picture by the clock stands beside
it and sums up to its stay in the detector; the queue before that is left out.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import text

from benchmarks import cpu, pictures, threads
from benchmarks.parts import Part, Parts
from benchmarks.passes import Pass, Passes
from benchmarks.report import Question, Row, unmeasured
from benchmarks.threads import Thread, by_purpose
from benchmarks.weights import yolo26n
from benchmarks.world import World, apart
from cli.wiring import DETECTOR, SINK
from thumper.settings import Settings

NAME = "stage_profile"
QUESTIONS = [Question(NAME, "ms of processor time a picture", "nothing: it is a profile")]
PICTURES, QUICK_PICTURES = 1_000, 60
MOST_PASSES = 3
IDLE = "idle"
DECODING = f"{DETECTOR}: read and decode"
_CLOCK = text(
    "SELECT avg(read_ms) AS read, avg(decode_ms) AS decode, avg(infer_ms * batch_size) AS infer,"
    " avg(total_ms - read_ms - decode_ms - infer_ms * batch_size) AS wait, avg(total_ms) AS total,"
    " avg(batch_size) AS batch FROM result WHERE model_id = :model_id"
)


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The row. Raises SideFailed."""
    _, onnx = yolo26n(world.work, world.marks)
    source = pictures.choose(world.asked.pictures, world.work, world.say)
    card = world.folder("card")
    made = pictures.distinct(source, QUICK_PICTURES if world.asked.quick else PICTURES, card)
    # Apart, because the rows before this one may have imported the same pictures.
    own = apart(world, "profile", weights=onnx.absolute())
    with own as settings, Parts(settings, world.logs, world.marks, told=True) as parts:
        passes = Profiled(settings, parts, world.servers())
        try:
            passes.prepare(card, len(made))
            passes.one()
            for number in range(min(MOST_PASSES, world.asked.rounds)):
                _, others = world.measure(lambda: passes.one().rate)
                world.say(f"pass {number + 1}: {others:.0f} % others")
        finally:
            passes.close()
    return [_row(asked[0], min(passes.profiles[1:], key=lambda one: one.disturbed))]


@dataclass(frozen=True, slots=True)
class Profile:
    """One pass: ms of processor time of a picture by step; ms of its way by the clock; disturbed: in percent."""

    rate: float
    used_ms: Mapping[str, float]
    clock_ms: Mapping[str, float]
    disturbed: float


class Profiled(Passes):
    """Passes of a detector and a sink that tell which of their threads is which. profiles: one of each pass."""

    def __init__(self, settings: Settings, parts: Parts, servers: Mapping[str, int]) -> None:
        super().__init__(settings, parts, servers)
        self.profiles: list[Profile] = []

    def measured(self, detector: Part, model_id: str) -> Pass:
        """See Passes."""
        told = {DETECTOR: detector, SINK: self.sink}
        pids = {name: pid for name, pid in self.others.items() if name not in told}
        before, start_s = _look(told, pids), self.clock.now_s()
        found = super().measured(detector, model_id)
        used_s = _between(before, _look(told, pids), told)
        used_s[IDLE] = (self.clock.now_s() - start_s) * (os.cpu_count() or 1) - sum(used_s.values())
        clock_ms = self._by_the_clock(model_id)
        used_ms = {name: 1_000 * step / self.pictures for name, step in used_s.items()}
        reading = {f"{DETECTOR}: read": clock_ms["read"], f"{DETECTOR}: decode": clock_ms["decode"]}
        used_ms = parted(used_ms, DECODING, reading)
        self.profiles.append(Profile(found.rate, used_ms, clock_ms, found.shares[cpu.OTHERS]))
        return found

    def _by_the_clock(self, model_id: str) -> dict[str, float]:
        with self.engine.connect() as connection:
            row = connection.execute(_CLOCK, {"model_id": model_id}).mappings().one()
        return {name: float(value) for name, value in row.items()}


class _Look(NamedTuple):
    processes: dict[str, float]
    threads: dict[str, dict[int, Thread]]


def _look(told: Mapping[str, Part], pids: Mapping[str, int]) -> _Look:
    return _Look(cpu.used_s(pids), {name: threads.look(part.pid) for name, part in told.items()})


def _between(before: _Look, after: _Look, told: Mapping[str, Part]) -> dict[str, float]:
    """Seconds of every step, and of whatever else kept the processor busy."""
    steps = {
        f"{name}: {purpose}": used
        for name, part in told.items()
        for purpose, used in by_purpose(before.threads[name], after.threads[name], part.threads()).items()
    }
    used = {name: after.processes[name] - before.processes[name] for name in after.processes}
    busy = used.pop(cpu.ALL)
    return {**steps, **used, cpu.OTHERS: busy - sum(steps.values()) - sum(used.values())}


def _row(asked: Question, profile: Profile) -> Row:
    whole = sum(profile.used_ms.values())
    most_first = sorted(profile.used_ms.items(), key=lambda step: -step[1])
    way = (
        "by the clock, from being taken to the outcome: {read:.1f} ms reading, {decode:.1f} decoding,"
        " {wait:.1f} waiting for a turn and for company, {infer:.1f} in a batch of {batch:.1f}; {total:.1f} in all"
    )
    row = unmeasured(asked, "")
    return replace(
        row,
        value=round(whole, 2),
        rounds=1,
        note=f"{profile.rate:.1f} pictures/s; {way.format(**profile.clock_ms)}",
        disturbed=profile.disturbed,
        details={name: round(step, 3) for name, step in most_first},
    )


def parted(used: Mapping[str, float], key: str, by: Mapping[str, float]) -> dict[str, float]:
    """`used` with the step called `key` replaced by parts, in the proportion of `by`, which are not all zero."""
    whole, total = used[key], sum(by.values())
    parts = {name: whole * part / total for name, part in by.items()}
    return {**{name: step for name, step in used.items() if name != key}, **parts}
