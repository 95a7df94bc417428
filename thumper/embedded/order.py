"""In which order parts come and go: each is waited for, and each end too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from thumper.clock import Clock
from thumper.embedded.leftovers import is_alive
from thumper.embedded.ready import Readiness, mark_path
from thumper.embedded.supervision import Supervisor
from thumper.embedded.waiting import wait_until
from thumper.errors import Fatal

SERVERS = ("kafka", "postgres")
# A part that ended this often while it was waited for will not get ready by itself.
_HOPELESS_RESTARTS = 3
_LOG_LINES = 15
# The supervisor kills what does not end within its own time, 60 s at most.
_STOP_S = 90.0
_STARTING_S = 5.0


@dataclass(frozen=True, slots=True)
class Order:
    """Brings parts up and takes them down under one supervisor."""

    supervisor: Supervisor
    readiness: Readiness
    clock: Clock
    say: Callable[[str], None]

    def bring_up(self, names: Sequence[str], timeout_s: float) -> None:
        """Start those that do not run, and wait until all are ready. Raises Fatal with the end of a part's log."""
        deadline_s = self.clock.now_s() + timeout_s
        restarts = self.supervisor.restarts()
        for name in names:
            if self.supervisor.programs()[name].is_dead:
                mark_path(self.readiness.data_dir, name).unlink(missing_ok=True)
                self.supervisor.ask_start(name)
        for name in names:
            if self._is_ready(name):
                continue
            self.say(f"Waiting for {name}")
            patience = restarts.get(name, -1) + 1 + _HOPELESS_RESTARTS
            wait_until(lambda: self._is_settled(name, patience), self.clock, deadline_s - self.clock.now_s())  # noqa: B023 - called at once
            if not self._is_ready(name):
                raise self._not_ready(name)

    def _is_ready(self, name: str) -> bool:
        return self.readiness.is_ready(self.supervisor.programs()[name])

    def _is_settled(self, name: str, patience: int) -> bool:
        if self._is_ready(name) or self.supervisor.programs()[name].state == "FATAL":
            return True
        return self.supervisor.restarts().get(name, 0) >= patience

    def _not_ready(self, name: str) -> Fatal:
        program = self.supervisor.programs()[name]
        lines = "\n".join(f"  {line}" for line in self.supervisor.tail(name, _LOG_LINES)) or "  (nothing)"
        said = f"{program.state}{', ' + program.trouble if program.trouble else ''}"
        return Fatal(
            f"{name} does not get ready ({said}); the last lines of {self.supervisor.log_of(name)}:\n{lines}",
            f"`thumper logs {name}` shows more; when it is mended, `thumper up` goes on",
        )

    def take_down(self) -> None:
        """Programs first, then PostgreSQL, then Kafka, then the supervisor. Raises SupervisorGone."""
        self.stop_in_order(list(self.supervisor.programs()))
        supervisor = psutil.Process(int(self.supervisor.call("supervisor.getPID")))
        # It has nobody left to look after, and its own orderly end takes two seconds.
        supervisor.kill()
        wait_until(lambda: not is_alive(supervisor), self.clock, _STOP_S)

    def stop_in_order(self, names: Sequence[str]) -> None:
        """Stop these: programs first, then PostgreSQL, then Kafka. Raises SupervisorGone."""
        for group in ([name for name in names if name not in SERVERS], ["postgres"], ["kafka"]):
            self.stop([name for name in group if name in names])

    def restart(self, names: Sequence[str], timeout_s: float) -> None:
        """Stop these and start them again, servers first, each waited for. Raises SupervisorGone, Fatal."""
        self.stop_in_order(names)
        self.bring_up([name for name in SERVERS if name in names], timeout_s)
        self.bring_up([name for name in names if name not in SERVERS], timeout_s)

    def stop(self, names: Sequence[str]) -> None:
        """Stop these, and wait until they have ended. Raises SupervisorGone."""
        # A signal that reaches a program between its fork and its exec is lost, and its end then takes a minute. The
        # supervisor calls a program starting for its first second.
        wait_until(lambda: not any(self._is_starting(name) for name in names), self.clock, _STARTING_S)
        for name in names:
            self.say(f"Stopping {name}")
            self.supervisor.ask_stop(name)
        wait_until(lambda: all(self.supervisor.programs()[name].is_dead for name in names), self.clock, _STOP_S)

    def _is_starting(self, name: str) -> bool:
        return self.supervisor.programs()[name].state == "STARTING"
