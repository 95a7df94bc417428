"""Files of a backup's log: byte for byte what was there, and damage is told."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thumper.backup.manifest import Manifest, check_segments, read_manifest, write_manifest
from thumper.backup.segments import Entry, Segment, read_segment, write_segment
from thumper.errors import UserError
from thumper.record import Partition

data = st.none() | st.binary(max_size=50) | st.text(max_size=20).map(str.encode)
entries = st.lists(
    st.builds(
        Entry,
        st.integers(0, 2**62),
        st.integers(0, 2**50),
        data,
        data,
        st.lists(st.tuples(st.text(max_size=10), data), max_size=3),
    ),
    max_size=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries)
def test_what_is_written_is_read(tmp_path: Path, told: list[Entry]) -> None:
    path = tmp_path / "log" / "0.jsonl.gz"
    count, sha256 = write_segment(path, told)
    assert count == len(told)
    assert [entry._replace(headers=list(entry.headers)) for entry in read_segment(path)] == told
    assert write_segment(path, told) == (count, sha256), "the same records give the same file"


def test_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    count, sha256 = write_segment(path, [Entry(n, 5, b"k", b"v" * 100, ()) for n in range(50)])
    segment = Segment("x.jsonl.gz", "images", 0, 0, 50, count, sha256)
    part = Partition("images", 0)
    manifest = Manifest("2026-11-24", "c", {"images": "t"}, {part: 0}, {part: 50}, {}, [segment], 0)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    check_segments(tmp_path, manifest)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="damaged"):
        check_segments(tmp_path, manifest)
    with pytest.raises(UserError, match="damaged"):
        list(read_segment(path))
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        check_segments(tmp_path, manifest)


@pytest.mark.parametrize("told", ["", "{}", '{"format": 99}', "[]", '{"format": 1}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, told: str) -> None:
    (tmp_path / "manifest.json").write_text(told)
    with pytest.raises(UserError, match=r"manifest|format"):
        read_manifest(tmp_path)
