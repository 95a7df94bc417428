"""docker-compose.yml and the Dockerfile, parsed and checked: nothing here starts a container."""

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cli.main import app
from thumper.embedded.jars import KAFKA_VERSION
from thumper.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"].startswith("thumper:")}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY$")
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?][^}]*)?\}")


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == {
        "kafka", "postgres", "init", "sink", "detector-cpu", "detector-gpu", "api", "monitor", "thumper", "kafka-ui",
        "prometheus", "alertmanager", "grafana",
    }  # fmt: skip


def test_no_two_services_publish_the_same_port_and_all_stay_on_this_machine() -> None:
    ports = [port.split(":") for service in SERVICES.values() for port in service.get("ports", [])]
    assert {(host, outside) for host, outside, _ in ports} == {
        ("127.0.0.1", "9092"),
        ("127.0.0.1", "5432"),
        ("127.0.0.1", "8001"),
        ("127.0.0.1", "5555"),
        ("127.0.0.1", "9090"),
        ("127.0.0.1", "9093"),
        ("127.0.0.1", "3000"),
    }
    assert len(ports) == 7


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_locked_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert any(mount.split(":")[0] == "/tmp" for mount in service["tmpfs"])  # noqa: S108 - a mount, not a file


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"kafka-ui"}))
def test_no_service_runs_as_root(name: str) -> None:
    # Kafbat's image brings a user of its own.
    assert SERVICES[name]["user"].split(":")[0] not in ("", "0", "root")


@pytest.mark.parametrize("name", SERVICES)
def test_what_goes_on_running_has_a_health_check_and_starts_again(name: str) -> None:
    service = SERVICES[name]
    if service["restart"] == "no":
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert "healthcheck" in service or name in OWN  # the Dockerfile has one for the workers


@pytest.mark.parametrize("name", SERVICES)
def test_every_dependency_is_a_service_that_can_meet_the_condition(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"
        else:
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other]


def test_parts_wait_until_topics_and_tables_are_made() -> None:
    for name in ("sink", "detector-cpu", "detector-gpu", "api", "monitor", "thumper"):
        assert SERVICES[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_detectors_are_chosen_by_profile_and_all_else_is_always_there() -> None:
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    monitoring = {name: ["monitoring"] for name in ("prometheus", "alertmanager", "grafana")}
    assert profiles == {"detector-cpu": ["cpu"], "detector-gpu": ["gpu"], "thumper": ["tools"], **monitoring}
    devices = SERVICES["detector-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]


@pytest.mark.parametrize("name", OWN)
def test_settings_of_our_parts_exist_and_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = OWN[name]["environment"].items()
    values = {key: _filled_in(value) for key, value in given if key != "TMPDIR"}  # the system's own
    known = {f"THUMPER_{field.upper()}" for field in Settings.model_fields}
    assert set(values) <= known
    for key, value in values.items():
        monkeypatch.setenv(key, value)
    settings = read_settings()
    assert not settings.embedded
    assert settings.partitions == 64
    assert settings.replication_factor == 1


@pytest.mark.parametrize("name", OWN)
def test_what_our_parts_run_is_a_command(name: str) -> None:
    service = OWN[name]
    said = service["entrypoint"][-1] if "entrypoint" in service else f"thumper {service['command'][0]}"
    commands = get_command(app).list_commands(None)  # type: ignore[attr-defined]
    words = re.findall(r"thumper ([a-z]+)", said)
    assert words
    assert set(words) <= set(commands)


def test_prometheus_in_the_same_network_reaches_every_part_by_its_name() -> None:
    # The API refuses names that are not its machine's.
    assert SERVICES["api"]["hostname"] == "api"
    for name in ("sink", "detector-cpu", "detector-gpu"):
        given = OWN[name]["environment"]
        assert (given["THUMPER_METRICS_HOST"], given["THUMPER_METRICS_PORT"]) == ("0.0.0.0", "9464")


def test_each_replica_of_a_detector_has_a_name_of_its_own() -> None:
    for name in ("detector-cpu", "detector-gpu"):
        assert '--name "detector-$$(hostname)"' in SERVICES[name]["entrypoint"][-1]


def test_volumes_are_declared_and_used() -> None:
    named = {
        mount.split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if not mount.startswith(("/", ".", "$"))
    }
    assert named == set(COMPOSE["volumes"])


def test_whoever_only_reads_pictures_cannot_write_them() -> None:
    for name in ("detector-cpu", "detector-gpu", "monitor"):
        assert "store:/store:ro" in SERVICES[name]["volumes"]


def test_what_is_uploaded_waits_on_a_disk_and_can_be_kept() -> None:
    api = SERVICES["api"]
    assert api["volumes"] == ["store:/store", "spool:/spool"]
    # What arrives, and what is laid down of it. The other folders that this user may write are memory.
    assert (api["environment"]["TMPDIR"], api["environment"]["THUMPER_DATA_DIR"]) == ("/spool", "/spool")
    assert re.search(r"install -d -o 10001 -g 10001 -m 0700 /store /spool$", DOCKERFILE, re.MULTILINE)


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                assert VARIABLE.fullmatch(value), f"{name} {key}"
            if "://" in value and "@" in value:
                password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
                assert not password or VARIABLE.fullmatch(password), f"{name} {key}"


def test_the_example_of_env_names_all_that_must_be_set_and_holds_no_value() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    lines = [line for line in (ROOT / "deploy/env.example").read_text().splitlines() if line and line[0] != "#"]
    assert set(lines) == {f"{name}=" for name in needed}


def test_kafka_is_reached_from_inside_and_from_outside() -> None:
    environment = SERVICES["kafka"]["environment"]
    listeners = _listeners(environment["KAFKA_LISTENERS"])
    advertised = _listeners(environment["KAFKA_ADVERTISED_LISTENERS"])
    assert advertised["INTERNAL"] == f"kafka:{_port(listeners['INTERNAL'])}"
    assert advertised["EXTERNAL"] == f"localhost:{_port(listeners['EXTERNAL'])}"
    assert f"127.0.0.1:{_port(listeners['EXTERNAL'])}:{_port(listeners['EXTERNAL'])}" in SERVICES["kafka"]["ports"]
    assert set(advertised) == set(listeners) - {"CONTROLLER"}
    protocols = dict(part.split(":") for part in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(protocols) == set(listeners)
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] == "INTERNAL"
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"1@kafka:{_port(listeners['CONTROLLER'])}"
    for name in OWN:
        assert OWN[name]["environment"]["THUMPER_KAFKA_BOOTSTRAP"] == advertised["INTERNAL"]
    assert SERVICES["kafka-ui"]["environment"]["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"] == advertised["INTERNAL"]


def test_kafka_is_the_release_that_is_tested_and_makes_no_topics_by_itself() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    environment = SERVICES["kafka"]["environment"]
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["KAFKA_LOG_DIRS"] in {mount.split(":")[1] for mount in SERVICES["kafka"]["volumes"]}


def test_each_part_has_the_database_role_that_it_needs_and_no_better_one() -> None:
    postgres = SERVICES["postgres"]["environment"]
    owner, place = postgres["POSTGRES_USER"], f"@postgres:5432/{postgres['POSTGRES_DB']}"
    roles = {"sink": "thumper_sink:pw", "api": "thumper_api:pw", "detector-cpu": "nobody", "detector-gpu": "nobody"}
    for name, service in OWN.items():
        address = VARIABLE.sub("pw", service["environment"]["THUMPER_DATABASE_URL"])
        assert address == f"postgresql://{roles.get(name, f'{owner}:pw')}{place}", name
    assert "./deploy/roles.sh:/docker-entrypoint-initdb.d/roles.sh:ro" in SERVICES["postgres"]["volumes"]
    for part in ("sink", "api"):
        assert f"thumper grant {part} --database-role thumper_{part}" in SERVICES["init"]["entrypoint"][-1]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_comes_near_the_machine_beneath_it(name: str) -> None:
    service = SERVICES[name]
    assert not {"network_mode", "pid", "ipc", "cap_add", "devices", "userns_mode", "env_file"} & set(service)
    for mount in service.get("volumes", []):
        source, target, *mode = re.sub(r"\$\{[^}]*\}", "./given", mount).split(":")
        # What is not a volume is a file or folder of the deployment, to be read only.
        assert source in COMPOSE["volumes"] or (source.startswith("./") and mode == ["ro"]), mount
        assert "docker.sock" not in target


def test_images_of_ours_are_built_from_targets_that_exist() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    for service in OWN.values():
        assert service["build"]["target"] in targets
        assert service["image"].endswith(service["build"]["target"])


def test_stages_of_the_dockerfile_build_on_what_came_before() -> None:
    known = {"python:3.11-slim-bookworm"}
    for line in DOCKERFILE.splitlines():
        if found := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            assert found[1] in known
            known.add(found[2])
        if found := re.match(r"COPY --from=(\S+)", line):
            assert found[1] in known


def test_files_that_the_dockerfile_copies_exist_and_are_sent() -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert source == "." or _is_sent(source)


def test_the_image_gets_all_packages_and_nothing_private() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for name in project["tool"]["uv"]["build-backend"]["module-name"]:
        assert _is_sent(name)
    for name in (".env", ".git", ".thumper", ".venv", "tests", "demo"):
        assert not _is_sent(name)


def test_the_images_run_as_a_user_without_rights_from_locked_packages() -> None:
    finals = DOCKERFILE.split("\nFROM runtime AS ")[1:]
    assert len(finals) == 2
    for final in finals:
        assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    installs = re.findall(r"pip install (.+)", DOCKERFILE)
    assert installs
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install
    assert "HEALTHCHECK" in DOCKERFILE


def _filled_in(value: str) -> str:
    return VARIABLE.sub(lambda found: found[0].partition(":-")[2].rstrip("}") if ":-" in found[0] else "x", value)


def _listeners(value: str) -> Mapping[str, str]:
    return {part.partition("://")[0]: part.partition("://")[2] for part in value.split(",")}


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _is_sent(path: str) -> bool:
    """Whether .dockerignore lets a top-level name through: everything is left out but what is named."""
    lines = (ROOT / ".dockerignore").read_text().split("\n")
    sent = False
    for line in lines:
        rule = line.strip()
        if rule and not rule.startswith("#"):
            wanted = rule.removeprefix("!")
            if fnmatch(path, wanted) or path.startswith(f"{wanted}/"):
                sent = rule.startswith("!")
    return sent
