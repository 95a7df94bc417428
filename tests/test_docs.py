"""The pages under docs/: links lead somewhere, every decision is listed, settings are those of the code."""

import re
from pathlib import Path

import pytest

from cli.publish import EVENTS, documents
from processors.monitor.rules import RULES
from thumper.alerts import KINDS
from thumper.metric import Metric
from thumper.metrics import API, DETECTOR, METRICS, SINK, WORKERS
from thumper.settings import Settings
from thumper.topics import TOPICS

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# In the page's order.
SERVED = (API, WORKERS, DETECTOR, SINK)
ROW = re.compile(r"^\| `(THUMPER_\w+)` \| ([^|]*) \|", re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {f"THUMPER_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bTHUMPER_[A-Z0-9_]+\b", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_nothing_is_left_to_be_written(page: Path) -> None:
    assert not re.search(r"\b(TODO|TBD|FIXME|XXX|lorem)\b", page.read_text())


def test_every_page_is_reached_from_the_readme() -> None:
    readme = ROOT / "README.md"
    linked = {(readme.parent / link.partition("#")[0]).resolve() for link in LINK.findall(readme.read_text())}
    assert {page for page in PAGES if page.parent == ROOT / "docs"} <= linked


def test_every_decision_is_listed_and_has_a_number_of_its_own() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = {path.name for path in folder.glob("[0-9]*.md")}
    assert set(LINK.findall((folder / "README.md").read_text())) == pages
    assert len({name[:4] for name in pages}) == len(pages)


def test_the_page_of_settings_is_that_of_the_code() -> None:
    rows = dict(ROW.findall((ROOT / "docs" / "settings.md").read_text()))
    assert rows == {f"THUMPER_{name.upper()}": _default(name) for name in Settings.model_fields}


def _default(name: str) -> str:
    value = Settings.model_fields[name].default
    if value is None or value == ():
        return "-"
    return f"`{value}`" if str(value) else "empty"


def test_the_page_of_metrics_is_that_of_the_code() -> None:
    lines = (ROOT / "docs" / "metrics.md").read_text().splitlines()
    rows = [line for line in lines if re.match(r"\| `(thumper|kafka)_", line)]
    assert rows == [_row(metric) for who in SERVED for metric in METRICS if metric.served == who]
    assert {metric.served for metric in METRICS} == set(SERVED)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.help} |"


def test_the_page_of_events_lists_all_of_them_with_their_topics() -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \|(?: `([\w.]+)`)? \|.*\| (?:\[([\w.]+)\]\S+|none\b.*) \|$", text, re.MULTILINE)
    assert {file for _, _, file in rows if file} == {name for name in documents() if name.endswith(".json")}
    assert {topic for topic, _, _ in rows} == set(TOPICS)
    for topic, kind, _ in rows:
        kinds = {name for event in EVENTS.get(topic, ()) for name in event.model_fields["type"].annotation.__args__}  # type: ignore[union-attr]
        assert not kind or kind in kinds


def test_the_page_of_architecture_lists_all_topics() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.partition("## Topics")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(TOPICS)


def test_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "img").iterdir()) < 300_000


def test_the_runbook_has_a_chapter_for_each_alert() -> None:
    chapters = set(re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE))
    assert {*RULES, *KINDS.values(), "data_loss", "newer_event"} <= chapters
