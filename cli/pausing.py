"""`thumper pause`, `thumper resume`, `thumper drain`: what a group shall do, and waiting until it does."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from api.status import Worker
from api.workers import BeatReader
from cli.parts import settings_for_parts
from schemas.control import GroupWanted
from thumper.clock import Clock, SystemClock
from thumper.control_log import groups_wanted
from thumper.embedded.waiting import wait_until
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.groups import refuse_unknown, want
from thumper.lag import LagReader
from thumper.settings import Settings, read_settings
from thumper.topics import GROUPS
from thumper.wishes import Wanted, drained

Group = Annotated[str, typer.Argument(help="detector or sink.")]
WaitS = Annotated[float, typer.Option("--wait-s", min=0, help="Seconds to wait; 0: say it and do not wait.")]
LOOK_EVERY_S = 0.2
SAY_EVERY_S = 2.0


def pause_command(group: Group, wait_s: WaitS = 60.0) -> None:
    """Have a group stop its work: each member finishes what it can within seconds and leaves; the processes stay.

    Then the group's offsets may be set by any Kafka tool. It stays paused, over restarts too, until `thumper resume`.
    """
    with opened(group) as lever:
        lever.want("paused", "thumper pause")
        if wait_s:
            lever.wait_left(wait_s)
        print(f"{group} is paused; `thumper resume {group}` lets it go on" if wait_s else f"{group} is to pause")


def resume_command(group: Group, wait_s: WaitS = 60.0) -> None:
    """Let a group that was paused or drained go on where its offsets are."""
    with opened(group) as lever:
        lever.want("running", "thumper resume")
        print(lever.wait_joined(wait_s))


def drain_command(
    group: Group,
    wait_s: Annotated[float | None, typer.Option("--wait-s", min=0, help="Seconds to wait; default: no limit.")] = None,
) -> None:
    """Have a group do what there is, until its lag is 0, and then pause. Ctrl-C stops the waiting, not the draining."""
    with opened(group) as lever:
        wish = lever.want("draining", "thumper drain")
        lever.wait_drained(wish, float("inf") if wait_s is None else wait_s)
        print(f"{group} has done what there was and is paused; `thumper resume {group}` lets it go on")


@dataclass(frozen=True)
class Lever:
    """One group, and what is needed to tell it something."""

    group: str
    settings: Settings
    lags: LagReader
    beats: BeatReader
    sender: Emitter
    clock: Clock

    def want(self, state: Wanted, by: str) -> GroupWanted:
        """Say it. Raises KafkaDown."""
        return want(self.settings, self.group, state, by, self.sender, self.clock)

    def wait_left(self, wait_s: float) -> None:
        """Until the group has no members. Raises UserError, KafkaDown."""
        if not wait_until(lambda: self.lags.members(self.group) == 0, self.clock, wait_s, LOOK_EVERY_S):
            raise UserError(
                f"{self.group} is to pause, and still has members after {wait_s:.0f} s",
                "one that was killed counts until its session is over (10 to 45 s): the same command again",
            )

    def wait_joined(self, wait_s: float) -> str:
        """Until those that live are members; what to say then. Raises UserError, KafkaDown."""
        self.beats.catch_up()
        live = len(self.live())
        if not live:
            return f"{self.group} may run; no process of it runs at present"
        if not wait_until(lambda: self.lags.members(self.group) >= live, self.clock, wait_s, LOOK_EVERY_S):
            if not wait_s:
                return f"{self.group} is to run"
            raise UserError(
                f"{self.group} is to run, and {live} of its processes have not all joined after {wait_s:.0f} s",
                "`thumper ps` and `thumper logs` say why",
            )
        return f"{self.group} runs: {live} member{'s' if live > 1 else ''}"

    def wait_drained(self, wish: GroupWanted, wait_s: float) -> None:
        """Until nothing is left to do and the group has no members. Raises UserError, KafkaDown."""
        until_s, say_s = self.clock.now_s() + wait_s, 0.0
        while (state := self._state()) == "draining" or (state == "paused" and self.lags.members(self.group)):
            left = self.lags.read(self.group, GROUPS[self.group]).lag
            if not left and state == "draining" and not self.lags.members(self.group):
                self.sender.emit("control", drained(wish, self.clock))  # nobody is there to say so
                self.sender.flush()
            now_s = self.clock.now_s()
            if now_s > until_s:
                raise UserError(f"{self.group} drains on; {left:,} offsets are left", "look again: `thumper lag`")
            if now_s >= say_s and left:
                say_s = now_s + SAY_EVERY_S
                typer.echo(f"[INFO] {left:,} offsets are left", err=True)
            self.clock.sleep(LOOK_EVERY_S)
        if state == "running":
            raise UserError(f"somebody has resumed {self.group} meanwhile: it does not pause")

    def live(self) -> Sequence[Worker]:
        """The group's workers that live, by their heartbeats."""
        now_s = self.clock.now_s()
        return [one for one in self.beats.beats.known() if one.beat.group == self.group and one.alive(now_s)]

    def _state(self) -> Wanted:
        known = groups_wanted(self.settings, self.clock).get(self.group)
        return "running" if known is None else known.state


@contextmanager
def opened(group: str) -> Iterator[Lever]:
    """For one command. Raises UserError for a group that there is not, or where nothing runs."""
    refuse_unknown(group)
    settings, clock = settings_for_parts(read_settings()), SystemClock()
    with ExitStack() as stack:
        lags = LagReader(settings, clock)
        stack.callback(lags.close)
        beats = BeatReader(settings, clock)
        stack.callback(beats.close)
        yield Lever(group, settings, lags, beats, stack.enter_context(Emitter(settings, clock)), clock)
