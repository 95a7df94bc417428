"""cli/trace.py: which picture is meant."""

import hashlib
from pathlib import Path
from uuid import UUID

import pytest

from cli.trace import named
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


@pytest.mark.parametrize("picture", ["", "no/such/file.jpg", "42"])
def test_anything_else_is_refused(tmp_path: Path, picture: str) -> None:
    assert_refused(thumper(tmp_path, "trace", picture, **NOWHERE), 2, "is no file", "/api/images")
