"""Writes the published form of the events: a JSON Schema each, and one AsyncAPI 3 document with Kafka bindings.

Run `python -m cli.publish` after changing an event; a test fails while the files differ from the code.
"""

import json
from pathlib import Path
from typing import Any, get_args

import yaml

from schemas.alert import Alert
from schemas.codec import KNOWN_MAJOR
from schemas.control import Control
from schemas.detection import DetectionCompleted, DetectionFailed
from schemas.envelope import Event
from schemas.fact import Fact
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from schemas.worker import WorkerBeat
from thumper.topics import TOPICS, Topic, topic_config

PUBLISHED = Path(__file__).parent.parent / "schemas" / "published"

EVENTS: dict[str, tuple[type[Event], ...]] = {
    "images": (ImageImported,),
    "requests": (ProcessingRequested,),
    "detections": (DetectionCompleted, DetectionFailed),
    "facts": get_args(Fact),
    "control": get_args(Control),
    "workers": (WorkerBeat,),
    "alerts": (Alert,),
}


def documents() -> dict[str, str]:
    """File name to text of all that is published."""
    found = {
        f"{name}.v{KNOWN_MAJOR}.json": json.dumps(_schema(event, name), indent=2, ensure_ascii=False) + "\n"
        for events in EVENTS.values()
        for event in events
        for name in _type_names(event)
    }
    found["asyncapi.yaml"] = yaml.safe_dump(_asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    return found


def _type_names(event: type[Event]) -> tuple[str, ...]:
    return get_args(event.model_fields["type"].annotation)


def _schema(event: type[Event], name: str) -> dict[str, Any]:
    schema = event.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.v{KNOWN_MAJOR}.json", **schema}


# What follows another topic is one part's own memory, and no event of anybody's.
_PUBLIC = {name: topic for name, topic in TOPICS.items() if topic.follows is None}


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Thumper",
            "version": f"{KNOWN_MAJOR}.0",
            "description": "Events of the wildlife-image pipeline. The JSON value alone is enough; headers and key are "
            "optional for hand-written events, except that outcomes are always keyed by image id.",
            "license": {"name": "AGPL-3.0-only"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in _PUBLIC.items()},
        "operations": {f"{verb}-{name}": _operation(verb, name) for name in _PUBLIC for verb in ("send", "receive")},
        "components": {"messages": {name: _message(event, name) for event, name in _all_events()}},
    }


def _all_events() -> list[tuple[type[Event], str]]:
    return [(event, name) for events in EVENTS.values() for event in events for name in _type_names(event)]


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic_config(topic, replicas=1)
    bound = {"cleanup.policy": [config["cleanup.policy"]], "max.message.bytes": int(config["max.message.bytes"])}
    if "retention.ms" in config:
        bound["retention.ms"] = int(config["retention.ms"])
    names = [name for event in EVENTS.get(topic.name, ()) for name in _type_names(event)]
    return {
        "address": topic.name,
        "description": topic.holds,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                **({} if topic.spread else {"partitions": 1}),
                "topicConfiguration": bound,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(verb: str, topic: str) -> dict[str, Any]:
    return {"action": verb, "channel": {"$ref": f"#/channels/{topic}"}}


def _message(event: type[Event], name: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": (event.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {
                "ce_specversion": {"type": "string", "const": "1.0"},
                "ce_type": {"type": "string", "const": f"thumper.{name}.v{KNOWN_MAJOR}"},
                "ce_id": {"type": "string"},
                "ce_source": {"type": "string"},
                "ce_time": {"type": "string", "format": "date-time"},
                "content-type": {"type": "string"},
                "traceparent": {"type": "string", "description": "W3C Trace Context"},
            },
        },
        "payload": {"$ref": f"./{name}.v{KNOWN_MAJOR}.json"},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def write(folder: Path = PUBLISHED) -> list[Path]:
    """Write all documents; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in documents().items():
        (folder / name).write_text(text)
        paths.append(folder / name)
    return paths


if __name__ == "__main__":
    for path in write():
        print(path.relative_to(PUBLISHED.parent.parent))
