"""A real broker with the settings of deploy/docker-compose.secure.yml: TLS, passwords, access lists."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from tests.processes import eventually, free_port
from tests.security.certificates import Authority
from thumper.embedded.jars import class_path
from thumper.embedded.kafka import EmbeddedKafka, java_command
from thumper.embedded.state import StackState
from thumper.settings import Settings

ROOT = Path(__file__).parents[2]
OVERLAY: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "docker-compose.secure.yml").read_text())
VARIABLE = re.compile(r"\$\{(\w+)(?::\?[^}]*)?\}")
# What only the ports and the folders of the machine decide.
PLACES = ("listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs")


def password(user: str) -> str:
    """Of a user of the broker, in tests."""
    return f"{user}Secret7"


def properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Kafka's settings from the variables of its image: KAFKA_A_B is a.b."""
    return {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in environment.items()}


def overlay_properties(tls: Path) -> dict[str, str]:
    """Those of the overlay, filled in, with the certificates in `tls`."""
    found = properties(OVERLAY["services"]["kafka"]["environment"])
    filled = {name: VARIABLE.sub(_value, text).replace("/tls/", f"{tls}/") for name, text in found.items()}
    return {name: text for name, text in filled.items() if name not in PLACES}


def _value(found: re.Match[str]) -> str:
    user = re.fullmatch(r"KAFKA_(\w+)_PASSWORD", found[1])
    assert user, f"{found[1]} is no password"
    return password(user[1].lower())


@contextmanager
def guarded_broker(folder: Path) -> Iterator[Settings]:
    """Settings of its administrator. The authority's certificate is `folder`/tls/ca.pem."""
    tls = folder / "tls"
    tls.mkdir()
    authority = Authority("our own")
    authority.write(tls / "ca.pem")
    authority.write_server(tls / "kafka.pem", "127.0.0.1")
    outside, inside, controller = free_port(), free_port(), free_port()
    state = StackState.new().model_copy(update={"kafka_port": outside, "controller_port": controller})
    kafka = EmbeddedKafka(folder / "kafka", class_path(folder / "jars", lambda _: None), "guarded")
    kafka.configure(state)
    _guard(kafka.home / "server.properties", overlay_properties(tls), (inside, outside, controller))
    kafka.format(state)
    with (folder / "broker.log").open("wb") as log:
        broker = subprocess.Popen(
            (*java_command(), "kafka.Kafka", "server.properties"), cwd=kafka.home, stdout=log, stderr=log
        )
    try:
        eventually(lambda: _started(broker, folder / "broker.log"), "the guarded broker starts")
        yield client(folder, f"127.0.0.1:{outside}", "admin")
    finally:
        broker.kill()
        broker.wait(30)


def client(folder: Path, bootstrap: str, user: str, **changed: object) -> Settings:
    """Settings of `user`, by the overlay's words."""
    settings = Settings(
        data_dir=folder / user,
        kafka_bootstrap=bootstrap,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username=user,
        kafka_sasl_password=SecretStr(password(user)),
        kafka_ssl_ca=folder / "tls" / "ca.pem",
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        partitions=1,
        session_timeout_ms=6_000,
        transaction_timeout_ms=4_000,
    )
    return settings.model_copy(update=changed)


def _guard(path: Path, guarded: Mapping[str, str], ports: tuple[int, int, int]) -> None:
    inside, outside, controller = ports
    known = dict(line.split("=", 1) for line in path.read_text("ascii").splitlines())
    listeners = f"INTERNAL://127.0.0.1:{inside},EXTERNAL://127.0.0.1:{outside}"
    known |= {
        **guarded,
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": listeners,
        "inter.broker.listener.name": "INTERNAL",
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in known.items()), "utf-8")


def _started(broker: "subprocess.Popen[bytes]", log: Path) -> bool:
    text = log.read_text("utf-8", errors="replace")
    assert broker.poll() is None, text[-4_000:]
    return "Kafka Server started" in text
