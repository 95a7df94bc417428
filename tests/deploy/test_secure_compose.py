"""deploy/docker-compose.secure.yml beside the file that it changes. Its broker runs in tests/security/."""

import re

import pytest

from tests.deploy.test_compose import OWN, ROOT, SERVICES, VARIABLE
from tests.security.guarded_broker import OVERLAY
from thumper.settings import Settings

CHANGED = OVERLAY["services"]
USERS = {
    "init": "admin",
    "thumper": "admin",
    "monitor": "admin",
    "sink": "sink",
    "api": "api",
    "detector-cpu": "detector",
    "detector-gpu": "detector",
}


def test_it_changes_services_that_there_are() -> None:
    assert set(CHANGED) == {*OWN, "kafka", "kafka-ui"}


def test_its_broker_settings_replace_all_that_let_anybody_in() -> None:
    merged = SERVICES["kafka"]["environment"] | CHANGED["kafka"]["environment"]
    protocols = dict(pair.split(":") for pair in merged["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert protocols == {"INTERNAL": "SASL_SSL", "EXTERNAL": "SASL_SSL", "CONTROLLER": "SASL_PLAINTEXT"}
    assert merged["KAFKA_LISTENERS"].endswith("CONTROLLER://localhost:9093"), "without TLS, within its container only"
    assert merged["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"


@pytest.mark.parametrize("name", OWN)
def test_each_part_is_a_user_of_its_own_and_knows_the_authority(name: str) -> None:
    given = CHANGED[name]["environment"]
    assert set(given) <= {f"THUMPER_{field.upper()}" for field in Settings.model_fields}
    assert given["THUMPER_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert given["THUMPER_KAFKA_SASL_USERNAME"] == USERS[name]
    password = VARIABLE.fullmatch(given["THUMPER_KAFKA_SASL_PASSWORD"])
    assert password
    assert password[1] == f"KAFKA_{USERS[name].upper()}_PASSWORD"
    # The folder has the broker's key too: the parts see the authority's certificate alone.
    assert [mount.rpartition("}")[2] for mount in CHANGED[name]["volumes"]] == ["/ca.pem:/tls/ca.pem:ro"]


def test_each_user_of_a_part_gets_its_rights() -> None:
    said = CHANGED["init"]["entrypoint"][-1]
    assert set(re.findall(r"--kafka-user (\w+)", said)) == {*USERS.values(), "import"} - {"admin"}
    assert SERVICES["init"]["entrypoint"][-1].splitlines()[0] == said.splitlines()[0] == "thumper init"


def test_passwords_come_from_env_and_are_named_in_its_example() -> None:
    text = (ROOT / "deploy" / "docker-compose.secure.yml").read_text()
    assert not re.search(r'password="(?!\$\{)|user_\w+="(?!\$\{)', text)
    wanted = set(re.findall(r"\$\{(\w+):\?", text))
    example = (ROOT / "deploy" / "env.example").read_text()
    assert wanted <= set(re.findall(r"^#(\w+)=$", example, re.MULTILINE))
