"""Events sent as docs/events.md tells: by Kafka's own console producer, and by ten lines of Python."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from schemas.codec import decode
from schemas.image import ImageImported, image_id
from tests.processors.detector.pictures import picture as drawn
from thumper.clock import SystemClock
from thumper.embedded.stack import EmbeddedStack
from thumper.kafka import Names, make_reader
from thumper.settings import Settings
from thumper.topics import ensure_topics

pytestmark = pytest.mark.integration

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
PLACE = "/media/card/Hayfield/IMG_0042.JPG"
WITHIN_S = 30.0


def test_the_console_producer_sends_a_picture_without_headers_and_key(
    stack: EmbeddedStack, settings: Settings, tmp_path: Path
) -> None:
    ensure_topics(settings)
    picture = _picture(tmp_path)
    command = f"{sys.executable} -m cli.main"
    script = _block("sh", {PLACE: str(picture), ".venv/bin/thumper": command, "images": _real(settings, "images")})
    # The jars lie where the stack has put them.
    environment = os.environ | {
        "THUMPER_DATA_DIR": str(stack.data_dir),
        "THUMPER_KAFKA_BOOTSTRAP": settings.kafka_bootstrap or "",
        "THUMPER_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
    }
    subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], env=environment, check=True, timeout=120)
    message, event = _the_only_event(settings)
    assert message.key() is None
    assert message.headers() is None
    assert event.location == "Hayfield"
    _speaks_of(event, picture)


def test_ten_lines_of_python_send_a_picture(settings: Settings, tmp_path: Path) -> None:
    ensure_topics(settings)
    picture = _picture(tmp_path)
    bootstrap = settings.kafka_bootstrap or ""
    changes = {PLACE: str(picture), "127.0.0.1:9092": bootstrap, '"images"': f'"{_real(settings, "images")}"'}
    script = _block("python", changes)
    assert len([line for line in script.splitlines() if line]) <= 10
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    _, event = _the_only_event(settings)
    assert (event.filename, event.location) == ("IMG_0042.JPG", "Hayfield")
    _speaks_of(event, picture)


def _picture(folder: Path) -> Path:
    path = folder / "Hayfield" / "IMG_0042.JPG"
    path.parent.mkdir()
    path.write_bytes(drawn())
    return path


def _real(settings: Settings, topic: str) -> str:
    return Names(settings).topic(topic)


def _block(language: str, changes: dict[str, str]) -> str:
    """The page's only block in this language, with what is different here put in."""
    (script,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for old, new in changes.items():
        assert script.count(old) == 1, old
        script = script.replace(old, new)
    return str(script)


def _the_only_event(settings: Settings) -> tuple[Any, ImageImported]:
    """What stands in `images`, read as the detector reads it."""
    reader, clock = make_reader(settings), SystemClock()
    topic = _real(settings, "images")
    reader.assign([TopicPartition(topic, number, 0) for number in range(settings.partitions)])
    until_s = clock.now_s() + WITHIN_S
    try:
        while clock.now_s() < until_s:
            message = reader.poll(0.5)
            if message is not None and message.error() is None:
                event = decode("images", message.value())
                assert isinstance(event, ImageImported)
                return message, event
    finally:
        reader.close()
    raise AssertionError(f"no event in {topic} after {WITHIN_S} s")


def _speaks_of(event: ImageImported, picture: Path) -> None:
    sha256 = hashlib.sha256(picture.read_bytes()).hexdigest()
    assert event.uri == picture.as_uri()
    assert event.image == image_id(sha256)
    assert event.key() == str(image_id(sha256))
