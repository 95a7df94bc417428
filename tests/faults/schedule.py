"""Which faults come when: a pure function of the seed, so that a seed that fails can be run again.

Faults come from a deck: every kind and every point once, shuffled, dealt to the end, shuffled anew. So after k decks
each has come exactly k times, which a free draw would not give.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.faults.orders import DETECTOR_POINTS, IMPORT_POINTS, SINK_POINTS

DETECTORS = ("d1", "d2")
SINK, IMPORT, API = "s1", "i1", "api"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. target: a part's name, where there is a choice. point: where it is hit. lasting_s: until it is healed."""  # noqa: E501

    kind: str
    target: str = ""
    point: str = ""
    lasting_s: float = 0.0
    back: int = 0

    def __str__(self) -> str:
        """In a few words."""
        return " ".join(part for part in (self.kind, self.target, self.point) if part)


@dataclass(frozen=True, slots=True)
class Step:
    """Faults that come at once, none of them being one too, `pause_s` after the step before."""

    pause_s: float
    faults: tuple[Fault, ...]


# What each kind strikes; faults that strike different things may come at once.
STRIKES = {
    "nothing": frozenset[str](),
    "crash_detector": frozenset({"detector"}),
    "crash_sink": frozenset({"sink"}),
    "crash_import": frozenset({"import"}),
    "kill_detector": frozenset({"detector"}),
    "kill_sink": frozenset({"sink"}),
    "kill_import": frozenset({"import"}),
    "kill_api": frozenset({"api"}),
    "zombie_detector": frozenset({"detector"}),
    "zombie_sink": frozenset({"sink"}),
    "rolling_restart": frozenset({"detector", "sink", "api"}),
    "member_joins": frozenset({"detector"}),
    "group_paused": frozenset({"detector"}),
    "broker_killed_in_transaction": frozenset({"kafka", "detector"}),
    "broker_killed": frozenset({"kafka"}),
    "broker_frozen": frozenset({"kafka"}),
    "backend_killed_in_copy": frozenset({"postgres", "sink"}),
    "postgres_stopped_in_copy": frozenset({"postgres", "sink"}),
    "connections_ended": frozenset({"postgres"}),
    "table_locked": frozenset({"postgres"}),
    "out_of_memory": frozenset({"memory"}),
    "store_gone": frozenset({"store"}),
    "disk_full": frozenset({"kafka", "postgres", "store"}),
    "clock_skewed": frozenset({"detector"}),
    "detector_reset": frozenset({"detector"}),
    "sink_reset": frozenset({"sink"}),
}
KINDS = tuple(STRIKES)
# These stop several parts or need answers from all of them.
_ALONE = {"disk_full", "detector_reset", "sink_reset", "zombie_sink", "rolling_restart"}
_TOGETHER = 0.2
_EACH = {"crash_detector": DETECTOR_POINTS, "crash_sink": SINK_POINTS, "crash_import": IMPORT_POINTS}
_ONE_OF = {
    "zombie_detector": ("before_begin", "after_flush", "after_send_offsets"),
    "zombie_sink": ("after_copy", "between_commits"),
    "broker_killed_in_transaction": ("after_flush", "after_send_offsets"),
}
_TARGETS = {
    "crash_detector": DETECTORS,
    "kill_detector": DETECTORS,
    "zombie_detector": DETECTORS,
    "broker_killed_in_transaction": DETECTORS,
    "crash_sink": (SINK,),
    "kill_sink": (SINK,),
    "zombie_sink": (SINK,),
    "crash_import": (IMPORT,),
    "kill_import": (IMPORT,),
    "kill_api": (API,),
}
_LASTING_S = {
    "broker_frozen": (2.0, 12.0),
    "table_locked": (2.0, 12.0),
    "out_of_memory": (1.0, 5.0),
    "store_gone": (1.0, 6.0),
    "disk_full": (3.0, 8.0),
    "clock_skewed": (3.0, 8.0),
    "member_joins": (1.0, 5.0),
    "group_paused": (0.0, 5.0),
    "nothing": (0.0, 2.0),
}


def steps(seed: int, kinds: Collection[str] = KINDS) -> Iterator[Step]:
    """The schedule of `seed`, without end, of these kinds."""
    random = Random(f"faults {seed}")  # noqa: S311 - it shall be predictable
    while True:
        yield from _dealt(_deck(random, kinds), random)


def _deck(random: Random, kinds: Collection[str]) -> list[Fault]:
    found: list[Fault] = []
    for kind in KINDS:
        if kind in kinds:
            found.extend(_faults(kind, random))
    random.shuffle(found)
    return found


def _faults(kind: str, random: Random) -> Sequence[Fault]:
    lasting_s = round(random.uniform(*_LASTING_S.get(kind, (0.0, 0.0))), 1)
    points = _EACH.get(kind) or (random.choice(_ONE_OF.get(kind, ("",))),)
    back = random.choice((1, 20, 100, 500)) if kind.endswith("_reset") else 0
    return [Fault(kind, random.choice(_TARGETS.get(kind, ("",))), point, lasting_s, back) for point in points]


def _dealt(deck: list[Fault], random: Random) -> Iterator[Step]:
    while deck:
        first = deck.pop()
        faults = [first]
        if random.random() < _TOGETHER and (other := _fitting(first, deck)) is not None:
            deck.remove(other)
            faults.append(other)
        yield Step(round(random.uniform(0.0, 1.5), 2), tuple(faults))


def _fitting(first: Fault, deck: Sequence[Fault]) -> Fault | None:
    if first.kind in _ALONE:
        return None
    fits = (one for one in deck if one.kind not in _ALONE and not STRIKES[one.kind] & STRIKES[first.kind])
    return next(fits, None)
