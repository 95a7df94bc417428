"""What is published equals the code, and every event ever published is read."""

import json
from pathlib import Path

import pytest
import yaml

from cli.publish import PUBLISHED, documents
from schemas.codec import SHAPES, decode

SAMPLES = sorted((PUBLISHED / "samples").glob("*.json"))


@pytest.mark.parametrize("name", sorted(documents()))
def test_published_files_equal_the_code(name: str) -> None:
    assert (PUBLISHED / name).read_text() == documents()[name], "run `make schemas` and look at the difference"


def test_nothing_is_published_that_the_code_does_not_know() -> None:
    assert {path.name for path in PUBLISHED.iterdir() if path.is_file()} == set(documents())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_of_every_version_is_read_and_loses_nothing(path: Path) -> None:
    topic = path.name.split(".")[0]
    event = decode(topic, path.read_bytes())
    written = json.loads(event.model_dump_json(exclude_none=True))
    sample = json.loads(path.read_text())
    assert {name: written.get(name) for name in sample} == sample
    assert event.key()


def test_every_event_has_a_sample() -> None:
    types = {name.removesuffix(".v1.json") for name in documents() if name.endswith(".json")}
    sampled = {path.name.split(".", 1)[1].removesuffix(".v1.0.json") for path in SAMPLES}
    assert types == sampled


def test_asyncapi_names_every_topic_and_refers_to_files_that_exist() -> None:
    document = yaml.safe_load((PUBLISHED / "asyncapi.yaml").read_text())
    assert document["asyncapi"] == "3.0.0"
    assert set(SHAPES) | {"dead-letters"} == set(document["channels"])
    for message in document["components"]["messages"].values():
        assert (PUBLISHED / message["payload"]["$ref"]).is_file()
