"""The store's part of a backup: files by name, copied once; names are hashes, so what is there need not be compared."""

from collections.abc import Callable, Iterator
from pathlib import Path

from thumper import claim
from thumper.errors import PictureError
from thumper.folder import REMOVED, has_file, list_files, read_file, remove_file, write_file
from thumper.store import Store

Say = Callable[[str], None]
# No picture is larger: the store refuses them.
MOST_BYTES = 1 << 31
SAY_EVERY = 5_000


def copy_store(store: Store, folder: Path, say: Say) -> int:
    """Copy what `folder` lacks, marks of removed pictures included; how many files are there then.

    Raises StoreDown.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    copied = there = 0
    for name in _everything(store):
        names = claim.parse(f"store:///{name}").names
        if not has_file(folder, names):
            try:
                write_file(folder, names, store.read(f"store:///{name}", None, MOST_BYTES))
            except PictureError:
                continue  # removed meanwhile, or a link
            copied += 1
            if copied % SAY_EVERY == 0:
                say(f"[INFO] {copied:,} files copied")
        there += 1
    say(f"[INFO] {copied:,} files copied, {there:,} are there")
    return there


def forget_removed(store: Store, folder: Path, say: Say) -> None:
    """Delete pictures from the backup that were removed since. Raises StoreDown.

    Others that the store has no more stay: the backup may be the last place that has them.
    """
    count = 0
    for names in list_files(folder):
        uri = "store:///" + claim.quoted(names)
        if not store.exists(uri) and store.is_removed(uri):
            count += remove_file(folder, names)
    for names in list_files(folder, (REMOVED,)):
        if not store.exists("store:///" + claim.quoted(names)):
            remove_file(folder, names)  # brought back since
    if count:
        say(f"[INFO] {count:,} files of removed pictures deleted from the backup")


def restore_store(folder: Path, store: Store, say: Say) -> int:
    """Put back what the store lacks; how many files were written. Raises StoreDown."""
    count = 0
    for names in _files(folder):
        if store.put_back(names, lambda names=names: read_file(folder, names, None, MOST_BYTES)):  # type: ignore[misc]
            count += 1
            if count % SAY_EVERY == 0:
                say(f"[INFO] {count:,} files put back")
    return count


def _files(folder: Path) -> Iterator[tuple[bytes, ...]]:
    yield from list_files(folder)
    yield from list_files(folder, (REMOVED,))


def _everything(store: Store) -> Iterator[str]:
    yield from store.names()
    yield from store.marks()
