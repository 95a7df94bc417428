"""Carries out faults: each strikes, lasts, and is healed, and says whether it hit."""

import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults import disks, servers
from tests.faults.orders import DIE, FREEZE
from tests.faults.part import MEMORY
from tests.faults.resets import Resets
from tests.faults.schedule import API, DETECTORS, SINK, Fault, Step
from tests.faults.world import PROGRAM, SESSION_MS, World, tried
from tests.processes import CLOCK
from thumper.embedded.waiting import wait_until
from thumper.emitter import Emitter
from thumper.groups import want
from thumper.wishes import Wanted

# So long a part may take to come by a point while there is work.
COMES_BY_S = 20.0
# Longer than a session: the group has given the frozen one's partitions to another.
FROZEN_S = SESSION_MS / 1_000 + 2.0
ROOM = 2


class Nemesis:
    """Does to `world` what a schedule says. importing: kills the running import, if there is one."""

    def __init__(self, world: World, resets: Resets, importing: Callable[[], bool]) -> None:
        self._world = world
        self._import_killed = importing
        self._doing: dict[str, Callable[[Fault], bool]] = {
            "nothing": self._nothing,
            "crash_detector": self._crash,
            "crash_sink": self._crash,
            "crash_import": self._crash,
            "kill_detector": self._kill,
            "kill_sink": self._kill,
            "kill_api": self._kill,
            "kill_import": lambda _: self._import_killed(),
            "zombie_detector": self._zombie,
            "zombie_sink": self._zombie_sink,
            "rolling_restart": self._rolling_restart,
            "member_joins": self._member_joins,
            "group_paused": self._group_paused,
            "broker_killed_in_transaction": self._broker_killed_in_transaction,
            "broker_killed": lambda _: servers.kill_broker(world),
            "broker_frozen": lambda fault: servers.freeze_broker(world, fault.lasting_s),
            "backend_killed_in_copy": lambda _: self._at(SINK, "in_copy", lambda: servers.kill_copy(world)),
            "postgres_stopped_in_copy": lambda _: self._at(SINK, "in_copy", lambda: servers.stop_postgres(world)),
            "connections_ended": lambda _: servers.end_connections(world),
            "table_locked": lambda fault: servers.lock_table(world, fault.lasting_s),
            "out_of_memory": self._out_of_memory,
            "store_gone": self._store_gone,
            "disk_full": lambda fault: disks.fill(world, fault.lasting_s),
            "clock_skewed": self._clock_skewed,
            "detector_reset": lambda fault: resets.set_back("detector", fault.back),
            "sink_reset": lambda fault: resets.set_back("sink", fault.back),
        }

    def do(self, step: Step) -> list[Fault]:
        """All faults of a step at once; returns when all are healed: those that did not hit.

        Raises Unhealed if something does not heal.
        """
        with ThreadPoolExecutor(len(step.faults)) as pool:
            hit = list(pool.map(self._one, step.faults))
        return [fault for fault, done in zip(step.faults, hit, strict=True) if not done]

    def _one(self, fault: Fault) -> bool:
        history = self._world.history
        history.note(str(fault), "invoke")
        # What a fault needs may be away by another one.
        hit = bool(tried(lambda: self._doing[fault.kind](fault)))
        history.note(str(fault), "ok" if hit else "info")
        return hit

    # Parts

    def _nothing(self, fault: Fault) -> bool:
        CLOCK.sleep(fault.lasting_s)
        return True

    def _crash(self, fault: Fault) -> bool:
        self._world.orders.give(fault.target, fault.point, DIE)
        return self._carried_out(fault)

    def _carried_out(self, fault: Fault) -> bool:
        orders = self._world.orders
        wait_until(lambda: not orders.is_open(fault.target, fault.point), CLOCK, COMES_BY_S)
        return not orders.withdraw(fault.target, fault.point)

    def _kill(self, fault: Fault) -> bool:
        self._world.part(fault.target or (API if fault.kind == "kill_api" else SINK)).send(signal.SIGKILL)
        return True

    def _at(self, name: str, point: str, strike: Callable[[], bool]) -> bool:
        """Freeze a part at a point, strike, and let it go on. Whether both came to be."""
        world = self._world
        world.orders.give(name, point, FREEZE)
        wait_until(lambda: world.frozen(name) or not world.orders.is_open(name, point), CLOCK, COMES_BY_S)
        if world.orders.withdraw(name, point):
            return False
        frozen = world.part(name)
        wait_until(lambda: world.frozen(name), CLOCK, 2.0)
        try:
            return strike()
        finally:
            frozen.send(signal.SIGCONT)

    def _zombie(self, fault: Fault) -> bool:
        return self._at(fault.target, fault.point, lambda: self._nothing(Fault("nothing", lasting_s=FROZEN_S)))

    def _zombie_sink(self, fault: Fault) -> bool:
        """Another sink takes over meanwhile, and both live for a while."""

        def succeed() -> bool:
            self._world.want("s2")
            CLOCK.sleep(FROZEN_S)
            return True

        hit = self._at(SINK, fault.point, succeed)
        if hit:
            CLOCK.sleep(2.0)
            self._world.stop("s2")
        return hit

    def _rolling_restart(self, _: Fault) -> bool:
        for name in (*DETECTORS, SINK, API):
            self._world.stop(name)
            self._world.want(name)
        return True

    def _member_joins(self, fault: Fault) -> bool:
        self._world.want("d3")
        wait_until(lambda: bool(tried(self._world.part("d3").is_ready)), CLOCK, COMES_BY_S)
        CLOCK.sleep(fault.lasting_s)
        self._world.stop("d3")
        return True

    def _group_paused(self, fault: Fault) -> bool:
        """The detectors leave their group, and come back, whatever else is away meanwhile."""
        hit = bool(tried(lambda: self._say("paused")))
        CLOCK.sleep(fault.lasting_s)
        self._world.wait(lambda: self._say("running"), "the detectors may run again")
        return hit

    def _say(self, state: Wanted) -> bool:
        settings = self._world.settings
        with Emitter(settings) as sender:
            return want(settings, "detector", state, "nemesis", sender, CLOCK).state == state

    def _clock_skewed(self, fault: Fault) -> bool:
        """A detector whose clock is an hour off joins and leaves."""
        library = disks.faketime()
        if library is None:
            return False
        words = ("detector", "--name", "d4", "--orders", str(self._world.orders.folder), "--latency", "0.01")
        skewed = {"LD_PRELOAD": library, "FAKETIME": "+1h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        part = self._world.parts.start(*words, program=PROGRAM, variables=skewed)
        wait_until(lambda: bool(tried(part.is_ready)), CLOCK, COMES_BY_S)
        CLOCK.sleep(fault.lasting_s)
        return part.stop() == 0

    # What parts need

    def _broker_killed_in_transaction(self, fault: Fault) -> bool:
        return self._at(fault.target, fault.point, lambda: servers.kill_broker(self._world))

    def _out_of_memory(self, fault: Fault) -> bool:
        memory = self._world.orders.folder / MEMORY
        memory.write_text(str(ROOM), "ascii")
        CLOCK.sleep(fault.lasting_s)
        memory.unlink()
        return True

    def _store_gone(self, fault: Fault) -> bool:
        """Its folder is moved away and back, as a disk that is pulled and put back."""
        away = self._world.store.with_name("store.away")
        self._world.store.rename(away)
        CLOCK.sleep(fault.lasting_s)
        if self._world.store.exists():
            self._world.books.broken.append("somebody has made a new store while it was away")
            shutil.rmtree(self._world.store)
        away.rename(self._world.store)
        return True
