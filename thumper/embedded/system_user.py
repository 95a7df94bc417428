"""PostgreSQL when the caller is root: it refuses root, so it gets a user of its own and files in that user's reach.

See docs/decisions/0003-embedded-postgres-as-root.md.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from thumper.errors import UserError

USER = "thumper"
# Where files go that must be out of the data folder, because its user cannot come through to it.
OUTSIDE = Path("/var/lib/thumper")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged system user."""

    name: str
    uid: int
    gid: int


def is_root() -> bool:
    """Whether this process has root's rights."""
    return os.geteuid() == 0


def ensure_account() -> Account:
    """The system user for PostgreSQL, created where missing; `nobody` where none can be created (no useradd)."""
    entry = _find(USER)
    if entry is None:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        try:
            subprocess.run([*command, "--shell", "/usr/sbin/nologin", USER], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            entry = _find("nobody")
        else:
            entry = _find(USER)
    if entry is None:
        raise UserError(
            "PostgreSQL does not run as root, and no system user could be created for it",
            f"create one (useradd --system {USER}), or run this as an ordinary user",
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def reaches(account: Account, program: Path, folder: Path) -> bool:
    """Whether the account can start `program` from within `folder`: tried, so that every kind of right counts."""
    # A `cwd=` would be entered with root's rights, before they are given up.
    command = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(folder), str(program)]
    done = subprocess.run(
        command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", capture_output=True, check=False
    )
    return done.returncode == 0


def let_pass(folder: Path, account: Account) -> None:
    """Let the account, and nobody else, walk through `folder` (not list it)."""
    os.chown(folder, -1, account.gid)
    folder.chmod(0o710)


def new_outside_folder(account: Account, owner: Path) -> Path:
    """A private folder of the account outside the data folder `owner`, which is noted beside it. Raises UserError."""
    folder = OUTSIDE / uuid4().hex[:12]
    try:
        OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise UserError(
            f"PostgreSQL's user {account.name} cannot come to {owner}, and {OUTSIDE} cannot be used: {error}",
            "run this as an ordinary user, or set THUMPER_DATA_DIR to a folder below one that others may walk through",
        ) from error
    (folder / "belongs-to").write_text(f"{owner}\n", "utf-8")
    return folder


def sweep_outside(used: Path | None) -> None:
    """Remove folders whose data folder is gone; `used` stays in any case."""
    if not OUTSIDE.is_dir():
        return
    for note in OUTSIDE.glob("*/belongs-to"):
        owner = Path(note.read_text("utf-8").rstrip("\n"))
        if note.parent != used and not owner.exists():
            shutil.rmtree(note.parent, ignore_errors=True)


def reachable_binaries(bin_dir: Path, account: Account) -> Path:
    """`bin_dir`, or a copy that the account can run where it cannot come through to the original."""
    if reaches(account, bin_dir / "postgres", Path("/")):
        return bin_dir
    # The binaries find their libraries by a path relative to themselves: copy the same layout.
    package = bin_dir.parents[1]
    copy = OUTSIDE / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=OUTSIDE, prefix=".copy-"))
        shutil.copytree(package / "pginstall", aside / package.name / "pginstall", symlinks=True)
        shutil.copytree(package.parent / f"{package.name}.libs", aside / f"{package.name}.libs", symlinks=True)
        aside.chmod(0o755)
        aside.rename(copy)
    return copy / package.name / "pginstall" / "bin"
