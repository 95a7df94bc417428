"""Three brokers on this machine, each broker and controller at once: a copy of everything on each."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.processes import CLOCK
from thumper.embedded.jars import class_path
from thumper.embedded.kafka import EmbeddedKafka, java_command
from thumper.embedded.leftovers import MARK
from thumper.embedded.ports import choose
from thumper.embedded.state import StackState
from thumper.embedded.waiting import wait_until
from thumper.kafka import make_admin
from thumper.settings import Settings

NODES = (1, 2, 3)
COMES_S = 90.0
# As a cluster that is to lose one of three: two must have a record before it counts as there.
COPIES = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "min.insync.replicas": "2",
    # These two have few partitions already; fewer are elected sooner.
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "2",
}


class ThreeBrokers:
    """They run while the context of `running` lasts. mark: of the stack that clears up after a killed run."""

    def __init__(self, folder: Path, mark: str) -> None:
        jars = class_path(folder / "jars", lambda _: None)
        self._mark = mark
        self._homes = {node: EmbeddedKafka(folder / f"kafka{node}", jars, mark) for node in NODES}
        self._states = _states()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        for node in NODES:
            self._configure(node)
        with ThreadPoolExecutor(len(NODES)) as pool:
            list(pool.map(lambda node: self._homes[node].format(self._states[node]), NODES))

    @property
    def bootstrap(self) -> str:
        """The addresses of all three."""
        return ",".join(state.kafka_bootstrap for state in self._states.values())

    def start(self, *nodes: int) -> None:
        """Start these, and wait until the cluster has them again."""
        for node in nodes:
            home = self._homes[node].home
            with (home / "log").open("ab") as log:
                self._processes[node] = subprocess.Popen(
                    (*java_command(), "kafka.Kafka", "server.properties"),
                    cwd=home,
                    env={**os.environ, MARK: self._mark},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        admin = make_admin(Settings.model_construct(kafka_bootstrap=self.bootstrap))
        assert wait_until(lambda: set(nodes) <= _known(admin), CLOCK, COMES_S), self.logs()

    def kill(self, node: int) -> None:
        """At once, as by a power cut."""
        self._processes[node].kill()
        self._processes.pop(node).wait(30)

    def running(self) -> Sequence[int]:
        """Those that were not killed."""
        return sorted(self._processes)

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- kafka{node}\n{(self._homes[node].home / 'log').read_text()[-2_000:]}" for node in NODES)

    def close(self) -> None:
        """End all."""
        for node in self.running():
            self.kill(node)

    def _configure(self, node: int) -> None:
        embedded, state = self._homes[node], self._states[node]
        embedded.configure(state, "-Xmx256m")
        voters = ",".join(f"{one}@127.0.0.1:{other.controller_port}" for one, other in self._states.items())
        own = {"node.id": str(node), "controller.quorum.voters": voters, **COPIES}
        # Of two lines for one setting the later counts.
        with (embedded.home / "server.properties").open("a", encoding="ascii") as file:
            file.writelines(f"{name}={value}\n" for name, value in own.items())


@contextmanager
def three_brokers(folder: Path, mark: str) -> Iterator[ThreeBrokers]:
    """All three run, and end with the context."""
    found = ThreeBrokers(folder, mark)
    try:
        found.start(*NODES)
        yield found
    finally:
        found.close()


def _states() -> dict[int, StackState]:
    shared, taken = StackState.new(), list[int]()
    for _ in range(2 * len(NODES)):
        taken.append(choose(0, taken))
    return {
        node: shared.model_copy(update={"kafka_port": taken[2 * at], "controller_port": taken[2 * at + 1]})
        for at, node in enumerate(NODES)
    }


def _known(admin: AdminClient) -> set[int]:
    try:
        return set(admin.list_topics(timeout=5).brokers)
    except KafkaException:
        return set()
