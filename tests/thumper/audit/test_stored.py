"""The store against the events that name its files."""

import hashlib
from pathlib import Path

import pytest

from thumper.audit.findings import Findings
from thumper.audit.stored import Stored
from thumper.settings import Settings
from thumper.store import Store

MIB = 1 << 20


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(Settings(store=(tmp_path / "store").as_uri(), _env_file=None))
    made.open_or_create()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "names"
    made.mkdir()
    return made


def put(store: Store, data: bytes) -> tuple[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    return store.put(data, sha256, ".jpg"), sha256


def judged(stored: Stored, import_runs: bool = False) -> Findings:
    findings = Findings()
    stored.judge(findings, import_runs)
    stored.judge_bytes(findings, MIB)
    return findings


def test_every_file_named_and_every_name_a_file(store: Store, folder: Path) -> None:
    stored = Stored(store, folder)
    pictures = [put(store, n.to_bytes(2, "big")) for n in range(300)]
    stored.list_files()
    for n, (uri, sha256) in enumerate([*pictures, *pictures]):
        stored.named(uri, (0, n), sha256)
    findings = judged(stored)
    assert findings.wrong == {}
    assert (findings.counted["files in the store"], findings.counted["files read"]) == (300, 300)


def test_what_differs_is_named(store: Store, folder: Path, tmp_path: Path) -> None:
    stored = Stored(store, folder)
    good, damaged, extra, gone = (put(store, word) for word in (b"good", b"damaged", b"extra", b"gone"))
    (tmp_path / "store" / damaged[0].removeprefix("store:///")).write_bytes(b"DAMAGED")
    (tmp_path / "store" / "note.txt").write_text("what is this?")
    (tmp_path / "store" / gone[0].removeprefix("store:///")).unlink()
    stored.list_files()
    for n, (uri, sha256) in enumerate((good, damaged, gone)):
        stored.named(uri, (3, n), sha256)
    stored.named("file:///card/x.jpg", (3, 4), good[1])
    findings = judged(stored)
    assert {kind: sorted(found.examples) for kind, found in findings.wrong.items()} == {
        "file_not_named": sorted([extra[0], "store:///note.txt"]),
        "file_missing": [f"{gone[0]} (images 3 at offset 2)"],
        "file_damaged": [f"{damaged[0]}: its hash is {hashlib.sha256(b'DAMAGED').hexdigest()}"],
    }
    assert findings.noted["pictures imported in place (not looked at)"] == 1


def test_what_came_after_the_listing_is_there(store: Store, folder: Path) -> None:
    stored = Stored(store, folder)
    stored.list_files()
    uri, sha256 = put(store, b"late")
    stored.named(uri, (0, 0), sha256)
    assert judged(stored).wrong == {}


def test_what_an_import_is_about_to_announce_is_in_flight(store: Store, folder: Path) -> None:
    stored = Stored(store, folder)
    put(store, b"new")
    stored.list_files()
    assert judged(stored, import_runs=True).in_flight["files that an import has not announced yet"] == 1
    assert set(judged(stored).wrong) == {"file_not_named"}


def test_a_file_of_another_name_has_the_hash_of_its_event(store: Store, folder: Path, tmp_path: Path) -> None:
    stored = Stored(store, folder)
    (tmp_path / "store" / "by hand.jpg").write_bytes(b"by hand")
    stored.list_files()
    stored.named("store:///by%20hand.jpg", (0, 0), hashlib.sha256(b"by hand").hexdigest())
    assert judged(stored).wrong == {}
    other = Stored(store, tmp_path / "store" / "..")
    other.list_files()
    other.named("store:///by%20hand.jpg", (0, 0), hashlib.sha256(b"something else").hexdigest())
    assert set(judged(other).wrong) == {"file_damaged"}


def test_files_of_removed_pictures(store: Store, folder: Path) -> None:
    stored = Stored(store, folder)
    names = (b"removed", b"left behind", b"back again", b"unfinished")
    removed, left, back, unfinished = ((n, *put(store, word)) for n, word in enumerate(names))
    for _, uri, _ in (removed, unfinished):
        assert store.remove(uri)
    stored.list_files()
    for _, uri, _ in (removed, left, back):
        stored.voided(uri)
    for n, uri, sha256 in (back, unfinished):
        stored.named(uri, (0, n), sha256)
    findings = judged(stored)
    assert {kind: found.examples for kind, found in findings.wrong.items()} == {
        "file_of_removed": [left[1]],
        "removal_unfinished": [f"{unfinished[1].removeprefix('store:///')} (images 0 at offset 3)"],
    }
    going_on = Findings()
    stored.judge(going_on, import_runs=False, facts_come=True)
    assert going_on.in_flight["pictures being removed"] == 1
