"""The lean reading takes whatever a full reading takes, with the same words in it."""

from pathlib import Path
from uuid import UUID

import pytest

from schemas.codec import encode
from schemas.image import image_id
from tests.sinks.events import box, completed, failed, imported, sha
from thumper.audit.lean import canonical, picture_of, read_announcement, read_outcome

SAMPLES = Path(__file__).parents[3] / "schemas" / "published" / "samples"


def test_outcomes() -> None:
    good, bad = read_outcome(encode(completed(3, box(), box()))), read_outcome(encode(failed(4, "decode")))
    assert good is not None
    assert bad is not None
    assert (good["image_id"], good["group"], good["model"]["id"]) == (str(image_id(sha(3))), "detector", "m1")
    assert good["origin"] == {"topic": "images", "partition": 0, "offset": 3, "timestamp_ms": 3}
    assert (len(good["boxes"]), bad["error_class"], "boxes" in bad) == (2, "decode", False)


def test_announcements() -> None:
    event = imported(1)
    lean = read_announcement(encode(event))
    assert lean is not None
    assert (lean["sha256"], lean["uri"], picture_of(lean)) == (event.sha256, event.uri, str(event.image))
    stated = read_announcement(encode(event.model_copy(update={"image_id": event.image})))
    assert stated is not None
    assert picture_of(stated) == str(event.image)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("images.*")), ids=lambda path: path.name)
def test_every_sample_of_every_version_of_an_announcement(path: Path) -> None:
    assert read_announcement(path.read_bytes()) is not None


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("detections.*")), ids=lambda path: path.name)
def test_every_sample_of_every_version_of_an_outcome(path: Path) -> None:
    assert read_outcome(path.read_bytes()) is not None


@pytest.mark.parametrize(
    "value",
    [None, b"", b"null", b"[]", b"\xff", b"{}", b'{"type": "detection.completed"}', b'{"sha256": 1, "uri": "x"}'],
    ids=repr,
)
def test_what_nobody_can_read(value: bytes | None) -> None:
    assert read_outcome(value) is None
    assert read_announcement(value) is None


def test_an_id_is_known_in_every_spelling() -> None:
    plain = "4f018d14-1e3d-5136-a9c9-80c5d1ac33ab"
    for spelt in (plain.upper(), plain.replace("-", ""), f"{{{plain}}}", str(UUID(plain))):
        assert canonical(spelt) == plain
    assert canonical("z" * 36) is None
