"""Events that somebody else wrote, through a detector's real stage and the real store: one outcome for each."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from processors.detector.backends.fixed import FixedDetector
from processors.detector.stage import DetectorStage
from schemas.codec import decode
from schemas.detection import DetectionCompleted, DetectionFailed
from tests.contracts.stage import collect
from tests.processors.detector.fakes import stage_of
from tests.processors.detector.pictures import imported
from tests.security.seeds import encoded
from thumper.clock import SystemClock
from thumper.dead_letters import MAX_HEADER_BYTES, dead_letter
from thumper.record import Outgoing, Record
from thumper.settings import Settings
from thumper.store import Store

GOOD = encoded("RGB", "JPEG")
SECRET = b"root:x:0:0:the content of a file that is nobody's business"
HEAD = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "secret").write_bytes(SECRET)
    found = Store(Settings(data_dir=tmp_path / "data", roots=(tmp_path / "card",)))
    found.open_or_create()
    found.put(GOOD, sha256(GOOD).hexdigest(), ".jpg")
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "link.jpg").symlink_to(tmp_path / "secret")
    return found


@pytest.fixture
def stage(store: Store) -> Iterator[DetectorStage]:
    opened = stage_of(FixedDetector(), lambda uri, size: store.read(uri, size, 1_000_000))
    yield opened
    opened.close()


def outputs(stage: DetectorStage, *records: Record) -> list[Outgoing]:
    for record in records:
        stage.submit(record, SystemClock().now_s())
    return [output for done in collect(stage, len(records)) for output in done.outputs]


def good(offset: int, *headers: tuple[str, bytes]) -> Record:
    digest = sha256(GOOD).hexdigest()
    return imported(GOOD, offset, uri=f"store:///{digest[:2]}/{digest}.jpg")._replace(headers=headers)


def test_addresses_outside_are_failed_outcomes_that_tell_nothing(stage: DetectorStage, tmp_path: Path) -> None:
    addresses = [
        f"file://{tmp_path}/secret",
        f"file://{tmp_path}/card/../secret",
        f"file://{tmp_path}/card/%2e%2e/secret",
        f"file://{tmp_path}/card/link.jpg",
        "store:///../../secret",
        "http://169.254.169.254/latest/meta-data",
        "s3://other/secret",
        "file:///dev/zero",
        "file:///proc/self/mem",
    ]
    hostile = [imported(SECRET, offset, uri=uri) for offset, uri in enumerate(addresses)]
    found = outputs(stage, *hostile, good(len(hostile)))
    events = [decode("detections", output.value) for output in found]
    for event in events[:-1]:
        assert isinstance(event, DetectionFailed)
        assert event.error_class == "forbidden_path"
    assert isinstance(events[-1], DetectionCompleted), "and the line goes on"
    assert not any(SECRET[:20] in (output.value or b"") for output in found)


def test_another_hash_is_no_way_around(stage: DetectorStage) -> None:
    digest = sha256(GOOD).hexdigest()
    other = imported(SECRET, uri=f"store:///{digest[:2]}/{digest}.jpg", size_bytes=len(GOOD))
    (event,) = (decode("detections", output.value) for output in outputs(stage, other))
    assert isinstance(event, DetectionFailed)
    assert event.error_class == "integrity"


@pytest.mark.parametrize(
    ("trace", "is_kept"),
    [
        pytest.param(f"00-{HEAD}-b7ad6b7169203331-01".encode(), True, id="as it shall be"),
        pytest.param(b"00-" + b"\n" * 32 + b"-b7ad6b7169203331-01", False, id="line ends"),
        pytest.param(b"00-" + b"<script>alert(1)</script>0000000" + b"-b7ad6b7169203331-01", False, id="a script"),
        pytest.param(b"\xff" * 55, False, id="no text"),
        pytest.param(b"0" * 1_000_000, False, id="long"),
    ],
)
def test_only_a_trace_that_is_one_is_continued(stage: DetectorStage, trace: bytes, is_kept: bool) -> None:
    spoofed = (("traceparent", trace), ("attempt", b"-1"), ("ce_type", b"\x00" * 100), ("x", b"\xfe" * 100_000))
    (output,) = outputs(stage, good(0, *spoofed))
    headers = dict(output.headers)
    assert (HEAD.encode() in headers["traceparent"]) is is_kept
    assert len(headers["traceparent"]) == 55
    assert all(part.isalnum() for part in headers["traceparent"].decode().split("-"))
    assert "x" not in headers
    assert sum(map(len, headers.values())) < 1_000


def test_what_cannot_be_read_becomes_a_dead_letter_that_fits() -> None:
    nasty = good(0, ("h", b"\xff" * (MAX_HEADER_BYTES + 1)))._replace(value=b"[" * 5_000_000, key=b"k" * 1_000_000)
    letter = dead_letter(nasty, "detector", "why\n" * 10_000, "UnreadableEvent")
    size = len(letter.value or b"") + len(letter.key or b"")
    size += sum(len(name) + len(value) for name, value in letter.headers)
    assert size < 1 << 20
