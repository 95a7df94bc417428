"""Kafka's tools with the settings of this system."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from thumper.embedded.tools import client_properties, properties_text, tool_arguments, tool_class
from thumper.errors import UserError
from thumper.settings import Settings


@pytest.mark.parametrize("name", ["topics", "kafka-topics", "kafka-topics.sh"])
def test_a_tool_has_its_usual_names(name: str) -> None:
    assert tool_class(name) == ("kafka-topics", "org.apache.kafka.tools.TopicCommand")


def test_an_unknown_tool_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no Kafka tool 'kafka-nonsense'") as caught:
        tool_class("kafka-nonsense")
    assert "kafka-consumer-groups" in caught.value.hint


@pytest.mark.parametrize(
    ("tool", "words", "expected"),
    [
        pytest.param("kafka-topics", ["--list"], ["--bootstrap-server", "b:1", "--list"], id="address added"),
        pytest.param(
            "kafka-topics", ["--bootstrap-server", "x:2", "--list"], ["--bootstrap-server", "x:2", "--list"], id="given"
        ),
        pytest.param("kafka-topics", ["--bootstrap-server=x:2"], ["--bootstrap-server=x:2"], id="given with ="),
        pytest.param("kafka-topics", ["--help"], ["--help"], id="help"),
        pytest.param("kafka-dump-log", ["--files", "f"], ["--files", "f"], id="local files"),
        pytest.param(
            "kafka-transactions", ["list"], ["--bootstrap-server", "b:1", "list"], id="options before the sub-command"
        ),
        pytest.param(
            "kafka-cluster", ["cluster-id"], ["cluster-id", "--bootstrap-server", "b:1"], id="options behind it"
        ),
    ],
)
def test_the_address_is_filled_in(tool: str, words: list[str], expected: list[str]) -> None:
    assert tool_arguments(tool, words, "b:1", None) == expected


def test_the_settings_file_is_filled_in() -> None:
    assert tool_arguments("kafka-topics", ["--list"], "b:1", Path("/f")) == [
        *("--bootstrap-server", "b:1", "--command-config", "/f", "--list")
    ]


def test_a_plain_connection_needs_no_file() -> None:
    assert client_properties(Settings.model_construct(kafka_bootstrap="b:1")) == {}


def test_credentials_become_java_properties(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN-----\nx\n")
    settings = Settings.model_construct(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="me",
        kafka_sasl_password=SecretStr('a"b\\cü'),
        kafka_ssl_ca=tmp_path / "ca.pem",
    )
    text = properties_text(client_properties(settings))
    assert text.splitlines() == [
        "security.protocol=SASL_SSL",
        "sasl.mechanism=SCRAM-SHA-512",
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required"
        r' username="me" password="a\\"b\\\\c\u00fc";',
        "ssl.truststore.type=PEM",
        r"ssl.truststore.certificates=-----BEGIN-----\nx\n",
    ]


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    settings = Settings.model_construct(kafka_security_protocol="SSL", kafka_ssl_ca=tmp_path / "gone.pem")
    with pytest.raises(UserError, match=r"gone\.pem cannot be read"):
        client_properties(settings)
