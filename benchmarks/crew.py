"""Null detectors that work side by side: as many as are wanted, and what their group looks like."""

import os
from dataclasses import dataclass, field

import psutil
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from benchmarks.parts import PATIENCE_S, Part, Parts
from benchmarks.turns import SideFailed
from cli.wiring import DETECTOR
from thumper.clock import SystemClock
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_admin
from thumper.settings import Settings

# So many Python processes start at the same time: more would only take turns on the processor, and each that joins
# disturbs those that are there.
WAVE = 16
LOOK_S = 0.5


@dataclass
class Crew:
    """settings: whose topics and group; partitions: of `images`. latency_s: what a batch takes."""

    settings: Settings
    parts: Parts
    latency_s: float
    members: list[Part] = field(default_factory=list)
    _started: int = 0
    _clock: SystemClock = field(default_factory=SystemClock)

    def grow(self, count: int) -> None:
        """Have so many, and wait until the group has settled. Raises SideFailed."""
        while len(self.members) < count:
            wave = [self.start() for _ in range(min(WAVE, count - len(self.members)))]
            for part in wave:
                part.wait_ready()
        self.wait_settled()

    def start(self) -> Part:
        """One more, which is not waited for."""
        self._started += 1
        self.members.append(self.parts.null_detector(f"null-{self._started}", self.latency_s))
        return self.members[-1]

    def wait_settled(self) -> None:
        """Until each is a member, and every partition has an owner. Raises SideFailed."""
        admin = make_admin(self.settings)
        if not wait_until(lambda: self._is_settled(admin), self._clock, PATIENCE_S, LOOK_S):
            raise SideFailed(f"the group of {len(self.members)} has not settled within {PATIENCE_S:.0f} s")

    def memory_mb(self) -> float:
        """What the largest of them has for itself."""
        return max(psutil.Process(part.pid).memory_full_info().uss for part in self.members) / 1e6

    def used_s(self) -> float:
        """Seconds of processor time of all of them so far."""
        return sum(sum(psutil.Process(part.pid).cpu_times()[:2]) for part in self.members)

    def stop(self) -> None:
        """In order."""
        self.parts.stop()
        self.members.clear()

    def _is_settled(self, admin: AdminClient) -> bool:
        for part in self.members:
            part.check()
        name, images = Names(self.settings).group(DETECTOR), Names(self.settings).topic("images")
        try:
            found = admin.describe_consumer_groups([name])[name].result(PATIENCE_S)
        except KafkaException:
            return False  # its coordinator comes only with its first member
        owned = [place for member in found.members for place in member.assignment.topic_partitions]
        return (
            found.state == ConsumerGroupState.STABLE
            and len(found.members) == len(self.members)
            and sum(place.topic == images for place in owned) == self.settings.partitions
        )


def machine_share(busy_before_s: float, busy_after_s: float, passed_s: float) -> float:
    """Percent of all processors that was used between two looks at cpu.busy_s."""
    return 100 * (busy_after_s - busy_before_s) / (passed_s * (os.cpu_count() or 1))
