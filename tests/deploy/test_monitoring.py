"""deploy/: rules and dashboard speak of metrics and labels that /metrics has, and the files fit each other."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_compose import ROOT, SERVICES
from thumper.metrics import METRICS

DEPLOY = ROOT / "deploy"
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/thumper.json").read_text())
PROMETHEUS = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: package prometheus)")

# Of Prometheus itself and of its Python library; on every process.
OF_ALL = {
    "up": {"job", "instance"},
    "process_start_time_seconds": set(),
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
}
_NAME = re.compile(r"\b((?:thumper|kafka|process)_\w+|up)\b(?:\{([^}]*)\})?")
_BY = re.compile(r"\b(?:by|on|ignoring) ?\(([^)]*)\)")
ANCHOR = re.compile(r"(docs/[\w/.-]+\.md)(?:#([\w-]+))?")


def declared() -> dict[str, set[str]]:
    """Every sample's name, and its labels."""
    found = dict(OF_ALL)
    for metric in METRICS:
        names = [metric.name]
        if metric.kind == "histogram":
            names = [f"{metric.name}_{part}" for part in ("bucket", "sum", "count")]
        for name in names:
            found[name] = {*metric.labels, *(["le"] if name.endswith("_bucket") else [])}
    return found


def expressions() -> list[tuple[str, str]]:
    rules = [(rule["alert"], rule["expr"]) for rule in RULES]
    panels = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return rules + panels


@pytest.mark.parametrize(("title", "expr"), expressions())
def test_every_metric_and_label_exists(title: str, expr: str) -> None:
    known = declared()
    used = _NAME.findall(expr)
    assert used, title
    labels: set[str] = set()
    for name, matchers in used:
        assert name in known, f"{title}: {name}"
        labels |= known[name]
        asked = set(re.findall(r"(\w+) ?[=!]", matchers))
        assert asked <= known[name] | {"job", "instance"}, f"{title}: {name}{{{matchers}}}"
    for group in _BY.findall(expr):
        assert {part.strip() for part in group.split(",") if part.strip()} <= labels | {"job", "instance"}, title


def test_each_alert_has_a_name_a_severity_and_a_word_on_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        action = rule["annotations"]["action"]
        for page, anchor in ANCHOR.findall(action):
            headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in anchors, action


def test_prometheus_asks_every_part_of_the_compose_file() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    static = {target.split(":")[0] for one in job["static_configs"] for target in one["targets"]}
    found = {name for one in job["dns_sd_configs"] for name in one["names"]}
    assert static | found == {"api", "sink", "detector-cpu", "detector-gpu"} <= set(SERVICES)
    assert job["job_name"] == "thumper", "the rules ask for this job"
    (manager,) = PROMETHEUS["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert manager.split(":")[0] in SERVICES


def test_what_inhibits_and_is_inhibited_are_alerts_of_the_rules() -> None:
    config = yaml.safe_load((DEPLOY / "alertmanager/alertmanager.yml").read_text())
    names = {rule["alert"] for rule in RULES}
    assert config["route"]["receiver"] in {one["name"] for one in config["receivers"]}
    for rule in config["inhibit_rules"]:
        assert rule["source_matchers"][0].split(" = ")[1] in names
        pattern = re.compile(rule["target_matchers"][0].split('"')[1])
        assert sum(pattern.fullmatch(name) is not None for name in names) == 6


def test_the_dashboard_is_where_grafana_looks_and_asks_the_source_that_is_there() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/thumper.yml").read_text())["providers"][0]
    mounts = dict(mount.split(":")[1::-1] for mount in SERVICES["grafana"]["volumes"])
    assert (ROOT / mounts[provider["options"]["path"]] / "thumper.json").exists()
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/thumper.json"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= mine


def promtool(*words: str, folder: Path) -> str:
    assert PROMTOOL is not None
    done = subprocess.run((PROMTOOL, *words), cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_finds_no_fault_in_rules_and_configuration() -> None:
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "rules.yml", folder=DEPLOY / "prometheus")
    promtool("check", "config", "prometheus.yml", folder=DEPLOY / "prometheus")


@needs_promtool
def test_each_alert_fires_and_resolves_by_promtool() -> None:
    cases = yaml.safe_load((ROOT / "tests/deploy/rules_test.yml").read_text())["tests"]
    tried = {one["alertname"] for case in cases for one in case["alert_rule_test"]}
    assert tried == {rule["alert"] for rule in RULES}
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml", folder=ROOT / "tests/deploy")
