"""Two sets of names on disk, compared as sets."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from thumper.audit import store_names
from thumper.audit.store_names import NamesOnDisk, in_both, only_in

NAMES = st.lists(st.text("abc%/.0", min_size=1, max_size=4), max_size=40)


@settings(deadline=None, max_examples=25)
@given(NAMES, NAMES)
def test_they_are_compared_as_sets(these: list[str], those: list[str]) -> None:
    with TemporaryDirectory() as folder:
        sets = []
        for name, members in (("a", these), ("b", those)):
            (Path(folder) / name).mkdir()
            found = NamesOnDisk(Path(folder) / name)
            for n, member in enumerate(members):
                found.add(member, f"{name} {n}")
            sets.append(found)
        first, second = sets
        assert sorted(name for name, _ in only_in(first, second)) == sorted(set(these) - set(those))
        assert sorted(name for name, _ in in_both(first, second)) == sorted(set(these) & set(those))
        assert dict(in_both(first, first)) == {name: f"a {these.index(name)}" for name in these}


def test_what_is_held_back_is_written_in_portions(tmp_path: Path) -> None:
    names = NamesOnDisk(tmp_path)
    for n in range(store_names.MOST_HELD + 1):
        names.add(f"{n:06}")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 8 * store_names.MOST_HELD
    assert sum(len(names.share(n)) for n in range(store_names.FILES)) == store_names.MOST_HELD + 1
