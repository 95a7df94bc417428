"""The programs beside the servers, and what they are given."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from thumper.embedded import launch
from thumper.embedded.apps import app_programs, environment, with_embedded_defaults, write_environment
from thumper.errors import SettingError
from thumper.settings import Settings

NASTY = "p%s\"'; #\\ $HOME ü,="


def _settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        kafka_bootstrap="b:1",
        database_url=SecretStr(f"postgresql://u:{NASTY}@h/d"),
        roots=(Path("/a"), Path("/b")),
        detectors=2,
    )


def test_another_process_reads_the_same_settings(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    path = tmp_path / "environment.json"
    write_environment(path, environment(settings))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    code = (
        "from thumper.settings import Settings; s = Settings();"
        "print(s.database_url.get_secret_value(), s.roots, s.detectors)"
    )
    command = [sys.executable, "-I", "-S", launch.__file__, str(path), sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"postgresql://u:{NASTY}@h/d {settings.roots} 2"


def test_no_secret_is_in_a_command_line(tmp_path: Path) -> None:
    programs = app_programs(_settings(tmp_path), tmp_path / "environment.json")
    assert [program.name for program in programs] == ["sink", "api", "monitor", "detector-1", "detector-2"]
    assert "postgresql://" not in json.dumps([program.command for program in programs])
    assert programs[3].command[-5:] == ("-m", "cli.main", "detector", "--name", "detector-1")


def test_changed_settings_change_the_marks(tmp_path: Path) -> None:
    one = app_programs(_settings(tmp_path), tmp_path)[0]
    other = app_programs(_settings(tmp_path).model_copy(update={"batch_size": 4}), tmp_path)[0]
    assert one.marks != other.marks


def test_each_part_serves_its_metrics_at_a_port_of_its_own(tmp_path: Path) -> None:
    programs = app_programs(_settings(tmp_path).model_copy(update={"metrics_port": 9_464}), tmp_path)
    ports = {program.name: program.command[-2:] for program in programs if "--metrics-port" in program.command}
    assert ports == {
        "sink": ("--metrics-port", "9464"),
        "detector-1": ("--metrics-port", "9465"),
        "detector-2": ("--metrics-port", "9466"),
    }
    assert not any("--metrics-port" in program.command for program in app_programs(_settings(tmp_path), tmp_path))


def test_ports_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="THUMPER_METRICS_PORT is 65534"):
        app_programs(_settings(tmp_path).model_copy(update={"metrics_port": 65_534}), tmp_path)


def test_embedded_time_outs_give_way_to_given_ones() -> None:
    assert with_embedded_defaults(Settings()).session_timeout_ms == 14_000
    assert with_embedded_defaults(Settings(session_timeout_ms=7_000)).session_timeout_ms == 7_000
    assert with_embedded_defaults(Settings()).transaction_timeout_ms == 6_000
