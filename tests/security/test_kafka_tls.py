"""Kafka with TLS, passwords and access lists: a real broker with the deployment's settings, and who gets what."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from pydantic import SecretStr

from schemas.image import ImageImported
from tests.processes import PATIENCE_S, ROOT
from tests.security.certificates import Authority
from tests.security.guarded_broker import client, guarded_broker
from thumper.cluster import view_cluster
from thumper.embedded.apps import environment
from thumper.emitter import Emitter
from thumper.errors import KafkaDown, SettingError
from thumper.kafka import make_admin, make_consumer, make_reader, make_transactional_producer
from thumper.probe import judge_cluster
from thumper.rights import PARTS, WRITES, grant
from thumper.settings import Settings
from thumper.topics import TOPICS, ensure_topics, list_topics

pytestmark = [pytest.mark.integration]
EVENT = ImageImported(sha256="0" * 64, uri="store:///00/x.jpg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guarded")


@pytest.fixture(scope="module")
def admin(folder: Path) -> Iterator[Settings]:
    with guarded_broker(folder) as found:
        ensure_topics(found)
        for part in PARTS:
            assert grant(found, part, part) > 0
        yield found


def user(admin: Settings, folder: Path, name: str, **changed: object) -> Settings:
    return client(folder, admin.kafka_bootstrap or "", name, **changed)


def thumper(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "cli.main", *words),
        env={**environment(settings), "PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_whoever_has_certificate_and_password_is_let_in(admin: Settings) -> None:
    assert set(list_topics(admin, make_admin(admin))) == set(TOPICS)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_writes_what_it_needs_and_nothing_else(admin: Settings, folder: Path, part: str) -> None:
    answers: dict[str, str | None] = {}
    with Emitter(user(admin, folder, part)) as emitter:
        for topic in TOPICS:
            emitter.emit(topic, EVENT, partial(answers.__setitem__, topic))
        emitter.flush(PATIENCE_S)
    assert {topic for topic, refusal in answers.items() if refusal is None} == set(WRITES[part])
    refusals = {refusal for refusal in answers.values() if refusal is not None}
    assert refusals == {"Broker: Topic authorization failed"}


def test_each_part_reads(admin: Settings, folder: Path) -> None:
    with Emitter(admin) as emitter:
        emitter.emit("images", EVENT)
        emitter.flush(PATIENCE_S)
    for part in PARTS:
        reader = make_reader(user(admin, folder, part))
        reader.assign([TopicPartition("images", 0, 0)])
        message = reader.poll(20)
        assert message is not None
        assert message.error() is None
        reader.close()


def test_a_detector_is_in_its_own_group_and_writes_transactions(admin: Settings, folder: Path) -> None:
    settings = user(admin, folder, "detector")
    member = make_consumer(settings, "detector")
    member.subscribe(["images"])
    # A group that never committed is told so, as somebody who may know.
    message = member.poll(20)
    assert message is not None
    error = message.error()
    assert error is None or error.code() == KafkaError._AUTO_OFFSET_RESET
    producer = make_transactional_producer(settings, "d1@here")
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce("detections", b"x")
    producer.send_offsets_to_transaction([TopicPartition("images", 0, 1)], member.consumer_group_metadata(), 20)
    producer.commit_transaction(20)
    member.close()


@pytest.mark.parametrize(("part", "group"), [("sink", "detector"), ("api", "sink"), ("import", "detector")])
def test_nobody_moves_the_positions_of_others(admin: Settings, folder: Path, part: str, group: str) -> None:
    member = make_consumer(user(admin, folder, part), group)
    with pytest.raises(KafkaException) as refused:
        member.commit(offsets=[TopicPartition("images", 0, 1)], asynchronous=False)
    assert refused.value.args[0].code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    member.close()


def test_check_names_what_a_user_may_not_do(admin: Settings, folder: Path) -> None:
    settings = user(admin, folder, "import")
    found = [finding.found for finding in judge_cluster(settings, view_cluster(settings)) if finding.state == "fail"]
    assert any("no right to WRITE on topic requests" in words for words in found)
    assert any("no right to READ on group detector" in words for words in found)


def test_a_wrong_password_is_called_so(admin: Settings, folder: Path) -> None:
    wrong = user(admin, folder, "sink", kafka_sasl_password=SecretStr("guessed-123"))
    with pytest.raises(KafkaDown) as refused:
        list_topics(wrong, make_admin(wrong), 2)
    assert "Authentication failed" in refused.value.message
    assert "THUMPER_KAFKA_SASL" in refused.value.hint
    assert "guessed-123" not in refused.value.message


def test_a_broker_with_a_certificate_of_somebody_else_is_not_told_the_password(admin: Settings, folder: Path) -> None:
    other = Authority("somebody else").write(folder / "other.pem")
    misled = user(admin, folder, "sink", kafka_ssl_ca=other)
    with pytest.raises(KafkaDown) as refused:
        list_topics(misled, make_admin(misled), 2)
    assert "certificate verify failed" in refused.value.message
    assert "THUMPER_KAFKA_SSL_CA" in refused.value.hint


def test_without_tls_nobody_gets_in(admin: Settings, folder: Path) -> None:
    bare = user(admin, folder, "sink", kafka_security_protocol="SASL_PLAINTEXT")
    with pytest.raises(KafkaDown, match="no answer from Kafka"):
        list_topics(bare, make_admin(bare), 1)


def test_a_certificate_that_is_not_there_is_a_wrong_setting(admin: Settings, folder: Path) -> None:
    with pytest.raises(SettingError, match=r"ssl\.ca\.location"):
        make_admin(user(admin, folder, "sink", kafka_ssl_ca=folder / "none.pem"))


def test_the_command_says_it_in_two_lines(admin: Settings, folder: Path) -> None:
    wrong = user(admin, folder, "sink", kafka_sasl_password=SecretStr("guessed-123"))
    done = thumper(wrong, "init")
    assert done.returncode == 3
    assert "Authentication failed" in done.stderr
    assert "THUMPER_KAFKA_SASL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "guessed-123" not in done.stderr + done.stdout


def test_rights_are_given_by_a_command(admin: Settings, folder: Path) -> None:
    done = thumper(admin, "grant", "import", "--kafka-user", "second")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user second has" in done.stdout
    refused = thumper(user(admin, folder, "api"), "grant", "import", "--kafka-user", "third")
    assert (refused.returncode, "gives user third no rights" in refused.stderr) == (2, True)
