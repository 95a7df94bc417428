"""cli/trace.py: which picture is meant."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from api.responses import Trace, TraceStep
from cli.trace import lines, named
from schemas.image import image_id
from tests.cli.command import NOWHERE, assert_refused, thumper

SHA256 = hashlib.sha256(b"a doe").hexdigest()


def test_a_file_a_hash_or_an_id(tmp_path: Path) -> None:
    file = tmp_path / "doe.jpg"
    file.write_bytes(b"a doe")
    wanted = (image_id(SHA256), SHA256)
    assert named(str(file)) == named(SHA256) == named(SHA256.upper()) == wanted
    assert named(str(wanted[0])) == (wanted[0], None)
    assert named(str(wanted[0]).upper()) == (UUID(str(wanted[0])), None)


@pytest.mark.parametrize("picture", ["", "no/such/file.jpg", "42", "a" * 5_000])
def test_anything_else_is_refused(tmp_path: Path, picture: str) -> None:
    assert_refused(thumper(tmp_path, "trace", picture, **NOWHERE), 2, "is no file", "/api/images")


def test_the_story_changes_no_terminal() -> None:
    step = TraceStep(
        at=datetime(2026, 11, 24, 6, 30, tzinfo=UTC),
        what="imported",
        text="\x1b[2Jdoe.jpg",
        topic="images",
        partition=3,
        offset=17,
        recorded=False,
        details={"uri": "store:///a\x07.jpg"},
    )
    found = Trace(
        image_id=image_id(SHA256), sha256=SHA256, where="failed", text="bad\r", ahead=None, steps=[step], unsearched=[]
    )
    assert [str(line) for line in lines(found)] == [
        f"picture {image_id(SHA256)}  sha256 {SHA256}",
        "2026-11-24 06:30:00.000 UTC  imported: \\x1b[2Jdoe.jpg",
        "    images 3 at 17 · not recorded yet · store:///a\\x07.jpg",
        "now: failed. bad\\r",
    ]
