"""/metrics of an API without any server behind it: its own work, its manners, and that it stays an answer."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.deps import open_deps
from tests.api.serving import serving
from tests.scrape import Scrape
from thumper.metrics import METRICS
from thumper.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        kafka_bootstrap="127.0.0.1:1",
        database_url=SecretStr("postgresql://deertrack:secret@127.0.0.1:1/none"),
        api_token=SecretStr("open sesame"),
        api_port=0,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with open_deps(settings) as deps, serving(create_app(deps)) as found:
        yield found


def scraped(client: httpx.Client) -> Scrape:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Scrape(answer.text)


def test_requests_are_counted_by_route_and_not_by_path(client: httpx.Client) -> None:
    for number in range(3):
        client.get(f"/nothing/{number}")
        client.get(f"/api/images/{number}/picture")
    client.post("/api/processing/batch")
    client.get("/health", headers={"Host": "evil.example"})
    client.request("BREW", "/health")
    found = scraped(client)
    name = "thumper_api_requests_total"
    assert found.one(name, method="GET", route="/api/images/{image_id}/picture", status="422") == 3
    assert found.one(name, method="GET", route="(none)", status="404") == 3
    assert found.one(name, method="POST", route="(none)", status="401") == 1, "refused before the router"
    assert found.one(name, method="GET", route="(none)", status="400") == 1
    assert found.total(name, method="other") == 1
    assert found.one("thumper_api_request_seconds_count", route="/api/images/{image_id}/picture") == 3


def test_without_broker_and_database_it_answers_and_has_no_old_number(client: httpx.Client) -> None:
    found = scraped(client)
    assert (found.one("thumper_kafka_up"), found.one("thumper_database_up")) == (0, 0)
    assert not {name for name in found.names if name.startswith(("kafka_", "thumper_pictures", "thumper_state"))}
    assert found.one("process_resident_memory_bytes") > 0


def test_two_apis_in_one_process_do_not_share_their_figures(settings: Settings, client: httpx.Client) -> None:
    client.get("/nothing")
    with open_deps(settings) as deps, serving(create_app(deps)) as other:
        assert "thumper_api_requests_total" not in scraped(other).names
    assert scraped(client).total("thumper_api_requests_total", status="404") == 1


def test_the_rules_of_all_other_reading_apply(client: httpx.Client) -> None:
    assert client.get("/metrics", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/metrics", headers={"Origin": "https://evil.example"}).status_code == 200
    assert client.post("/metrics").status_code == 401
    assert client.get("/metrics").headers["x-content-type-options"] == "nosniff"
    assert "secret" not in client.get("/metrics").text


def test_whoever_asks_for_openmetrics_gets_it(client: httpx.Client) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert "# TYPE thumper_kafka_up gauge" in answer.text


def test_every_sample_of_ours_is_declared(client: httpx.Client) -> None:
    declared = {metric.name.removesuffix("_total"): metric.kind for metric in METRICS if "api" in metric.served}
    shown = {name: kind for name, kind in scraped(client).kinds.items() if name.startswith(("thumper_", "kafka_"))}
    assert shown.items() <= declared.items()
