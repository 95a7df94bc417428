"""Looks that are all well, and what a monitor says over time, for the tests of its rules."""

from collections.abc import Callable
from dataclasses import replace

from processors.monitor.memory import Memory
from processors.monitor.seen import Camera, Disk, Place, Seen, Work, Worker
from processors.monitor.watch import Watch
from processors.monitor.windows import Cell, Counted, Windows
from thumper.clock import SteppedClock
from thumper.record import Partition
from thumper.settings import Settings

GIB = 1 << 30
LOOK_S = 5
MINUTE_S, DAY_S = 60.0, 86_400.0
ONE, TWO = Partition("images", 0), Partition("images", 1)
OUT = Partition("detections", 0)
Change = Callable[[Seen], Seen]


def cells(wall_s: float, per_minute: int, failed: int = 0, minutes: int = 12, location: str = "Gate") -> list[Counted]:
    """The same in each of the last minutes."""
    found = []
    for ago in range(minutes):
        start_s = int(wall_s // 60 * 60) - 60 * ago
        for is_failed, pictures in ((False, per_minute - failed), (True, failed)):
            found.append(Counted(start_s, Cell(0, "detector", "m", "d1", location, is_failed), pictures))
    return found


def well(now_s: float, clock: SteppedClock) -> Seen:
    """All is well: work is done as it comes."""
    wall_s = clock.wall().timestamp()
    places = [Place(ONE, int(now_s), int(now_s)), Place(TWO, int(now_s), int(now_s))]
    return Seen(
        now_s=now_s,
        wall=clock.wall(),
        work=Work(50, 10, 3),
        windows=Windows(wall_s, tuple(cells(wall_s, 1_000, 10))),
        groups={"detector": places, "sink": [Place(OUT, 5, 5)]},
        workers=[Worker("d1", 0.5, False, (3_000.0,)), Worker("sink", 0.5, False, (3_000.0,))],
        letters_end=7,
        disks=[Disk("store", 50 * GIB, 100 * GIB)],
        cameras=[Camera("Gate", int((wall_s - DAY_S) * 1_000))],
        retention_ms={},
        stable={OUT: (5, 5)},
    )


class Night:
    """A monitor, the clock that it sees, and what it has said: `raised NAME`, `resolved NAME`."""

    def __init__(self, *raised: str, **settings: object) -> None:
        self.clock = SteppedClock()
        self.settings = Settings.model_validate(settings)
        self.watch = Watch(self.settings, raised)
        self.memory = Memory()

    def passes(self, seconds: float, change: Change = lambda seen: seen) -> list[str]:
        """Look every five seconds for so long; what is said meanwhile."""
        said = []
        for _ in range(round(seconds / LOOK_S)):
            seen = change(well(self.clock.now_s(), self.clock))
            said += [f"{one.type.split('.')[1]} {one.name}" for one in self.watch.step(self.memory.complete(seen))]
            self.clock.step(LOOK_S)
        return said


def but(**changed: object) -> Change:
    """All is well but for this."""
    return lambda seen: replace(seen, **changed)  # type: ignore[arg-type]
