"""A campaign: faults by a schedule while work goes on; now and then heal, drain and check everything."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.checker import LOST, TWICE, Violation, check, counted
from tests.faults.gather import Gatherer
from tests.faults.nemesis import Nemesis
from tests.faults.orders import POINTS
from tests.faults.resets import Resets
from tests.faults.schedule import Fault, Step
from tests.faults.workload import Workload
from tests.faults.world import World, tried
from tests.processes import CLOCK
from thumper.embedded.waiting import wait_until

GROUPS = ("detector", "sink")
# What recovery may take before it counts as stuck: the aim is 30 s on a quiet machine, others test beside us.
RECOVERS_S = 90.0


@dataclass
class Tally:
    """What a campaign has come to. recoveries_s: from healing to a lag of 0, at each check."""

    violations: list[Violation] = field(default_factory=list)
    recoveries_s: list[float] = field(default_factory=list)
    checks: int = 0
    faults: int = 0
    missed: int = 0
    events: int = 0
    outcomes: int = 0
    resets: int = 0

    @property
    def lost(self) -> int:
        """Things lost."""
        return counted(self.violations, LOST)

    @property
    def twice(self) -> int:
        """Things counted twice."""
        return counted(self.violations, TWICE)


class Campaign:
    """A world, its work, and a nemesis. A context manager."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.tally = Tally()
        self.world = World(folder)
        self.workload = Workload(self.world, seed)
        self.resets = Resets(self.world)
        self.nemesis = Nemesis(self.world, self.resets, self.workload.kill_import)
        self._gatherer = Gatherer(self.world.parts, self.world.books)

    def __enter__(self) -> "Campaign":
        self.world.begin()
        self.world.wait(self.world.everybody_is_ready, "all parts are ready")
        self.workload.begin()
        self.workload.wait_for_pictures(1)
        return self

    def __exit__(self, *_: object) -> None:
        self.workload.end()
        self._gatherer.close()
        self.world.close()

    def strike(self, step: Step) -> list[Fault]:
        """Do this; the faults that did not hit. Raises Unhealed if something does not heal."""
        CLOCK.sleep(step.pause_s)
        missed = self.nemesis.do(step)
        self.tally.missed += len(missed)
        self.tally.faults += sum(fault.kind != "nothing" and fault not in missed for fault in step.faults)
        return missed

    def check(self) -> list[Violation]:
        """Heal, drain, look at everything, and let work go on; what is wrong."""
        self.workload.rest()
        self.world.wait(self.world.everybody_is_ready, "all parts are ready")
        begun_s = CLOCK.now_s()
        drained = wait_until(lambda: bool(tried(self._is_drained)), CLOCK, RECOVERS_S)
        self.tally.recoveries_s.append(CLOCK.now_s() - begun_s)
        lag = {group: self.world.parts.lag(group) for group in GROUPS}
        evidence = self._gatherer.gather(lag)
        found = [*check(evidence), *(self._audited() if drained else ())]
        self.tally.checks += 1
        self.tally.events, self.tally.outcomes = self._gatherer.count(), len(evidence.outcomes)
        self.tally.resets = len(self.world.books.resets)
        self.tally.violations.extend(found)
        self.workload.go_on()
        return found

    def _is_drained(self) -> bool:
        return all(self.world.parts.lag(group) == 0 for group in GROUPS)

    def _audited(self) -> list[Violation]:
        """What `thumper verify` finds wrong."""
        done = self.world.parts.run("verify", "--json", "--deep")
        if done.returncode not in (0, 1):
            return [Violation("broken", f"verify ended with {done.returncode}: {done.stderr[-300:]}")]
        wrong = json.loads(done.stdout)["wrong"]
        return [Violation(f"verify {kind}", str(one["examples"][:3]), one["count"]) for kind, one in wrong.items()]

    def coverage(self) -> Sequence[str]:
        """How often each point was hit, in lines."""
        hits = self.world.orders.hits()
        return [
            f"{role}: " + ", ".join(f"{point} {hits[role, point]}" for point in points)
            for role, points in POINTS.items()
        ]
