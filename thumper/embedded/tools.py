"""Kafka's own command line tools, by their usual names, with the settings of this system filled in."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from thumper.embedded.jars import class_path
from thumper.embedded.kafka import java_command, write_java_arguments
from thumper.errors import UserError
from thumper.settings import Settings

_PACKAGE = "org.apache.kafka.tools"
TOOLS = {
    "kafka-acls": f"{_PACKAGE}.AclCommand",
    "kafka-broker-api-versions": f"{_PACKAGE}.BrokerApiVersionsCommand",
    "kafka-client-metrics": f"{_PACKAGE}.ClientMetricsCommand",
    "kafka-cluster": f"{_PACKAGE}.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": f"{_PACKAGE}.consumer.ConsoleConsumer",
    "kafka-console-producer": f"{_PACKAGE}.ConsoleProducer",
    "kafka-consumer-groups": f"{_PACKAGE}.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": f"{_PACKAGE}.ConsumerPerformance",
    "kafka-delete-records": f"{_PACKAGE}.DeleteRecordsCommand",
    "kafka-dump-log": f"{_PACKAGE}.DumpLogSegments",
    "kafka-features": f"{_PACKAGE}.FeatureCommand",
    "kafka-get-offsets": f"{_PACKAGE}.GetOffsetShell",
    "kafka-groups": f"{_PACKAGE}.GroupsCommand",
    "kafka-leader-election": f"{_PACKAGE}.LeaderElectionCommand",
    "kafka-log-dirs": f"{_PACKAGE}.LogDirsCommand",
    "kafka-metadata-quorum": f"{_PACKAGE}.MetadataQuorumCommand",
    "kafka-producer-perf-test": f"{_PACKAGE}.ProducerPerformance",
    "kafka-reassign-partitions": f"{_PACKAGE}.reassign.ReassignPartitionsCommand",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-topics": f"{_PACKAGE}.TopicCommand",
    "kafka-transactions": f"{_PACKAGE}.TransactionsCommand",
}
# They look at files, not at a broker.
_LOCAL = ("kafka-dump-log", "kafka-storage")
# Its options come behind its first word, and one of them has another name.
_CLUSTER = "kafka-cluster"
_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


def tool_class(name: str) -> tuple[str, str]:
    """The tool's full name and its main class; `topics` and `kafka-topics.sh` mean kafka-topics. Raises UserError."""
    full = name.removesuffix(".sh")
    full = full if full.startswith("kafka-") else f"kafka-{full}"
    if full not in TOOLS:
        raise UserError(f"there is no Kafka tool {name!r}", "the tools are: " + ", ".join(TOOLS))
    return full, TOOLS[full]


def tool_arguments(tool: str, words: Sequence[str], bootstrap: str, config: Path | None) -> list[str]:
    """The tool's arguments with what is missing of the broker's address and the file with the client's settings."""
    if tool in _LOCAL or "--help" in words or "--version" in words:
        return list(words)
    added: list[str] = []
    if not _has(words, "--bootstrap-server", "--bootstrap-controller"):
        added += ["--bootstrap-server", bootstrap]
    if config is not None and not _has(words, "--command-config", "--config"):
        added += ["--config" if tool == _CLUSTER else "--command-config", str(config)]
    return [*words[:1], *added, *words[1:]] if tool == _CLUSTER else [*added, *words]


def _has(words: Sequence[str], *options: str) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in words for option in options)


def client_properties(settings: Settings) -> dict[str, str]:
    """Security settings as Java clients name them; empty for plain connections. Raises UserError."""
    properties: dict[str, str] = {}
    if settings.kafka_security_protocol != "PLAINTEXT":
        properties["security.protocol"] = settings.kafka_security_protocol
    if settings.kafka_sasl_mechanism is not None:
        module = "plain.Plain" if settings.kafka_sasl_mechanism == "PLAIN" else "scram.Scram"
        password = settings.kafka_sasl_password
        properties["sasl.mechanism"] = settings.kafka_sasl_mechanism
        properties["sasl.jaas.config"] = (
            f"org.apache.kafka.common.security.{module}LoginModule required"
            f' username="{_in_quotes(settings.kafka_sasl_username or "")}"'
            f' password="{_in_quotes(password.get_secret_value() if password else "")}";'
        )
    if settings.kafka_ssl_ca is not None:
        properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": _pem(settings.kafka_ssl_ca)}
    if settings.kafka_ssl_certificate is not None and settings.kafka_ssl_key is not None:
        properties |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": _pem(settings.kafka_ssl_certificate),
            "ssl.keystore.key": _pem(settings.kafka_ssl_key),
        }
    return properties


def _in_quotes(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _pem(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}", "it must be a PEM file") from None


def properties_text(properties: dict[str, str]) -> str:
    """A Java properties file, whatever characters the values have."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def _escaped(value: str) -> str:
    plain = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    units = value.encode("utf-16-be")
    points = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    text = "".join(plain.get(chr(point), chr(point) if 32 <= point < 127 else f"\\u{point:04x}") for point in points)
    return "\\" + text if text.startswith(" ") else text


def run_tool(settings: Settings, name: str, words: Sequence[str], say: Callable[[str], None]) -> int:
    """Run one tool on this terminal with settings that reach a cluster; returns its exit code."""
    tool, main_class = tool_class(name)
    with tempfile.TemporaryDirectory(prefix="thumper-") as private:
        folder = Path(private)
        config = _write_config(folder, client_properties(settings))
        flags = folder / "java.args"
        write_java_arguments(flags, class_path(settings.data_dir.absolute() / "jars", say), _FLAGS)
        arguments = tool_arguments(tool, words, settings.kafka_bootstrap or "", config)
        command = [java_command()[0], f"@{flags}", main_class, *arguments]
        with subprocess.Popen(command) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal has told the tool as well: it says its last words first.
                return process.wait()


def _write_config(folder: Path, properties: dict[str, str]) -> Path | None:
    if not properties:
        return None
    path = folder / "client.properties"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(properties_text(properties))
    return path
