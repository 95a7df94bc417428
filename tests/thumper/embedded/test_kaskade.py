"""The terminal UI: on the right cluster, no secret among its arguments, and a clear word when it cannot be had."""

import configparser
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.cli.command import ROOT
from tests.processes import eventually
from thumper.embedded.apps import environment
from thumper.embedded.kaskade import ui_arguments, ui_config
from thumper.errors import UserError
from thumper.kafka import make_admin
from thumper.settings import Settings
from thumper.topics import ensure_topics

CONFIG = Path("/private/kaskade.ini")
SECURE = Settings(
    kafka_bootstrap="a:1,b:2",
    kafka_security_protocol="SASL_SSL",
    kafka_sasl_mechanism="SCRAM-SHA-512",
    kafka_sasl_username="me",
    kafka_sasl_password=SecretStr("100%=#; secret"),
)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        pytest.param([], ["admin", "--config-file", str(CONFIG)], id="by default"),
        pytest.param(["--theme", "x"], ["admin", "--config-file", str(CONFIG), "--theme", "x"], id="options"),
        pytest.param(
            ["consumer", "-t", "images"], ["consumer", "--config-file", str(CONFIG), "-t", "images"], id="a mode"
        ),
        pytest.param(["--help"], ["--help"], id="help"),
    ],
)
def test_the_mode_and_the_clusters_file(words: list[str], wanted: list[str]) -> None:
    assert ui_arguments(words, CONFIG) == wanted
    assert "secret" not in " ".join(ui_arguments(words, CONFIG))


def test_the_file_says_how_to_reach_the_cluster() -> None:
    # As kaskade reads it.
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(ui_config(SECURE))
    assert dict(parser["kafka"]) == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "100%=#; secret",
    }


@pytest.mark.parametrize("password", [" pass-word", "pass\nword"])
def test_what_its_file_cannot_hold_is_refused_and_not_shown(password: str) -> None:
    with pytest.raises(UserError, match=re.escape("sasl.password")) as caught:
        ui_config(SECURE.model_copy(update={"kafka_sasl_password": SecretStr(password)}))
    assert password not in str(caught.value)


def run(settings: Settings, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-m", "cli.main", "kafka", "ui", *words),
        env={**os.environ, **environment(settings), "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def reachable(folder: Path) -> Settings:
    return Settings(data_dir=folder, kafka_bootstrap="127.0.0.1:9", database_url=SecretStr("postgresql://a@b/c"))


@pytest.mark.slow
def test_where_it_cannot_be_had_that_is_said(tmp_path: Path) -> None:
    done = run(reachable(tmp_path), PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_CONFIG_FILE="")
    assert done.returncode == 3, done.stderr
    assert "kaskade cannot be installed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "kaskade" / "installed").exists()


@pytest.mark.slow
@pytest.mark.integration
def test_it_shows_the_topics_of_this_cluster(settings: Settings) -> None:
    ensure_topics(settings)
    # Hundreds of other tests' topics stand there too, and the screen has room for some.
    there = list(make_admin(settings).list_topics(timeout=30).topics)
    screen, terminal = pty.openpty()
    variables = {"TERM": "xterm-256color", "COLUMNS": "160", "LINES": "50", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        (sys.executable, "-m", "cli.main", "kafka", "ui"),
        env={**os.environ, **environment(settings), **variables},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    os.set_blocking(screen, False)
    seen = bytearray()

    def shows() -> bool:
        assert process.poll() is None, seen[-2_000:]
        try:
            seen.extend(os.read(screen, 1 << 16))
        except BlockingIOError:
            return False
        return any(topic.encode() in seen for topic in there)

    try:
        eventually(shows, "the topics are on the screen")
    finally:
        os.killpg(process.pid, 9)
        process.wait(30)
        os.close(screen)
