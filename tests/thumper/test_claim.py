"""Addresses in events: what is understood, and that nothing leads outside."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumper import claim
from thumper.claim import Claim
from thumper.errors import PictureError

SHA = "ab" * 32
ROOT = Path("/cards/season 1")


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        pytest.param(f"store:///ab/{SHA}.jpg", Claim(None, (b"ab", f"{SHA}.jpg".encode())), id="store"),
        pytest.param("file:///cards/season%201/a/b.jpg", Claim(ROOT, (b"a", b"b.jpg")), id="root"),
        pytest.param("file:///cards/season%201/%FF%0A.jpg", Claim(ROOT, (b"\xff\n.jpg",)), id="any bytes in a name"),
        pytest.param("s3://deer/season/ab/x.jpg", Claim(None, (b"ab", b"x.jpg")), id="s3 in the store"),
    ],
)
def test_understood(uri: str, found: Claim) -> None:
    assert claim.parse(uri, [ROOT], "s3://deer/season") == found


@pytest.mark.parametrize(
    "uri",
    [
        "store:///../../etc/passwd",
        "store:///ab/../../etc/passwd",
        "store:///%2e%2e/%2e%2e/etc/passwd",
        "store:///ab/%2E%2E/%2e%2e/x.jpg",
        "store:///..%2f..%2fetc/passwd",
        "store:////etc/passwd",
        "store://host/x.jpg",
        "store:///",
        "store:///ab//x.jpg",
        "store:///ab/./x.jpg",
        "store:///..\\..\\etc\\passwd",
        "store:///ab/x.jpg%00.png",
        "store:///ab/x\x00.jpg",
        "store:///\u2024\u2024/\u2025/etc/passwd",
        "store:///\uff0e\uff0e/etc/passwd",
        "store:///ab/" + "x" * 256 + ".jpg",
        "store:///" + "a/" * 3_000 + "x.jpg",
        "store:///ab/x.jpg?versionId=1",
        "store:///ab/x.jpg#part",
        "/etc/passwd",
        "../../etc/passwd",
        "//host/x.jpg",
        "ab/x.jpg",
        "file:///etc/passwd",
        "file:///proc/self/mem",
        "file:///cards/season%201/../../etc/passwd",
        "file:///cards/season%201",
        "file:///cards/season%2012/x.jpg",
        "file://host/cards/season%201/x.jpg",
        "file://localhost/cards/season%201/x.jpg",
        "file:cards/x.jpg",
        "FILE:///cards/season%201/x.jpg",
        "s3://deer/seasons/x.jpg",
        "s3://deer/season/../other/x.jpg",
        "s3://other/season/x.jpg",
        "s3://deer/season",
        "s3://user@deer/season/x.jpg",
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1:5432/x.jpg",
        "http://[::1]/x.jpg",
        "http://0x7f000001/x.jpg",
        "http://2130706433/x.jpg",
        "http://0.0.0.0/x.jpg",
        "ftp://127.0.0.1/x.jpg",
        "gopher://127.0.0.1:6379/_x",
        "chained::file:///etc/passwd",
        "simplecache::file:///etc/passwd",
        "",
    ],
)
def test_refused(uri: str) -> None:
    with pytest.raises(PictureError) as caught:
        claim.parse(uri, [ROOT], "s3://deer/season")
    assert caught.value.error_class == "forbidden_path"
    assert "passwd" not in caught.value.message


@given(st.text(max_size=80), st.sampled_from(["store:///", "file:///cards/season%201/", "s3://deer/season/"]))
def test_never_leads_outside(rest: str, start: str) -> None:
    try:
        found = claim.parse(start + rest, [ROOT], "s3://deer/season")
    except PictureError:
        return
    assert found.root in (None, ROOT)
    assert all(name not in (b"", b".", b"..") and b"/" not in name and b"\x00" not in name for name in found.names)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4))
def test_in_place_address_comes_back(names: list[bytes]) -> None:
    path = b"/" + b"/".join(names)
    plain = path == os.path.abspath(path) and b"\x00" not in path  # noqa: PTH100
    try:
        found = claim.parse(claim.file_uri(path), [Path("/")])
    except (PictureError, ValueError):
        return
    assert not plain or b"/" + b"/".join(found.names) == path


def test_store_address_takes_a_plain_suffix_only() -> None:
    assert claim.store_uri(SHA, ".jpg") == f"store:///ab/{SHA}.jpg"
    with pytest.raises(ValueError, match="not a suffix"):
        claim.store_uri(SHA, "/../x")


def test_in_place_address_too_long() -> None:
    with pytest.raises(PictureError, match="too long"):
        claim.file_uri(b"/" + b"\xff" * 2_000)
