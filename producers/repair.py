"""What the store holds and the log lacks, announced again: the store is the ledger, a file's name is its hash.

The event is that of an import, made by the same code from the same bytes. What only the import knew (location, path and
name of the file on the card) is taken from the tables where they still have the picture, and left out where not.
Only one import runs at a time, and this counts as one, so nothing is announced that an import is about to announce.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from producers.delivery import Delivery
from producers.exif import read_metadata
from producers.find import Found
from producers.hands import Kept, Read
from producers.import_events import image_event
from producers.patience import in_full
from schemas.image import image_id
from thumper.claim import sha256_in
from thumper.clock import Clock
from thumper.database import translated
from thumper.errors import KafkaDown, PictureError, Retriable

# In memory together.
AT_ONCE = 16
THREADS = 4
LISTED = 10
_UNDEFINED_TABLE = "42P01"
_DESCRIBED = text(
    "SELECT image_id, l.name, i.path, i.image_id IS NULL AS removed"
    " FROM image i FULL JOIN removed r USING (image_id)"
    " LEFT JOIN location l ON l.location_id = i.given_location_id WHERE image_id = ANY(CAST(:ids AS uuid[]))"
)


class Files(Protocol):
    """The store (thumper.store.Store). For many threads."""

    def read(self, uri: str, size_bytes: int | None, max_bytes: int) -> bytes:
        """The bytes at an address. Raises PictureError, Retriable."""
        ...

    def is_removed(self, uri: str) -> bool:
        """Whether the picture there was removed. Raises StoreDown."""
        ...


@dataclass(frozen=True, slots=True)
class Description:
    """What the tables still know of a picture that the log has lost."""

    location: str | None = None
    path: str | None = None
    removed: bool = False


class Descriptions(Protocol):
    """Where such descriptions come from (TableDescriptions)."""

    def of(self, ids: Sequence[UUID]) -> Mapping[UUID, Description]:
        """Those of `ids` that are known. Raises DatabaseDown."""
        ...


class TableDescriptions:
    """Descriptions from the sink's tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, ids: Sequence[UUID]) -> dict[UUID, Description]:
        """See Descriptions."""
        try:
            with translated(), self._engine.connect() as connection:
                rows = connection.execute(_DESCRIBED, {"ids": [str(one) for one in ids]})
                return {UUID(str(image)): Description(*known) for image, *known in rows}
        except ProgrammingError as error:
            if getattr(error.orig, "pgcode", None) != _UNDEFINED_TABLE:
                raise
            return {}  # no tables, so nothing is known


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What to do. import_id: what the events say that they came with."""

    import_id: str
    dry_run: bool = False
    max_picture_bytes: int = 200_000_000


@dataclass(frozen=True, slots=True)
class RepairParts:
    """What it is done with."""

    store: Files
    delivery: Delivery
    descriptions: Descriptions
    clock: Clock
    stopped: Callable[[], bool]


@dataclass(slots=True)
class RepairSummary:
    """announced: acknowledged by the broker (dry run: would be sent). refused: files that are no pictures of ours.

    not_in_log: sent without acknowledgement. examples: the first announced; complaints: the first refused, and why.
    """

    announced: int = 0
    refused: int = 0
    not_in_log: int = 0
    examples: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    interrupted: bool = False
    stopped_because: str | None = None

    @property
    def exit_code(self) -> int:
        """0 done; 1 done, with complaints; 3 something needed went away; 130 interrupted."""
        if self.stopped_because is not None:
            return 3
        return 130 if self.interrupted else int(self.refused > 0)


class _Refused(Exception):
    """A file that is no picture of ours, and why."""


def repair(names: Iterable[str], parts: RepairParts, plan: RepairPlan) -> RepairSummary:
    """Announce the files called `names` (as in Store.names). What goes away meanwhile stands in the summary."""
    run = _Run(parts, plan)
    try:
        run.all(names)
    except Retriable as error:
        run.summary.stopped_because = in_full(error)
    run.summary.not_in_log = parts.delivery.waiting
    return run.summary


class _Run:
    """One repair. Threads read and hash; one thread sends."""

    def __init__(self, parts: RepairParts, plan: RepairPlan) -> None:
        self.summary = RepairSummary()
        self._parts = parts
        self._plan = plan

    def all(self, names: Iterable[str]) -> None:
        left = iter(names)
        try:
            with ThreadPoolExecutor(THREADS, "repair") as pool:
                while not self._stopped() and (some := list(islice(left, AT_ONCE))):
                    self._some(pool, some)
        finally:
            self._deliver()

    def _stopped(self) -> bool:
        self.summary.interrupted = self._parts.stopped()
        return self.summary.interrupted

    def _some(self, pool: ThreadPoolExecutor, names: Sequence[str]) -> None:
        """Look at a few files, and send the events of those that are pictures."""
        known = self._parts.descriptions.of([image_id(digest) for name in names if (digest := sha256_in(name))])
        for name, answer in zip(names, pool.map(lambda name: self._look(name, known), names), strict=True):
            if isinstance(answer, Kept):
                self._announce(answer)
            else:
                self.summary.refused += 1
                if len(self.summary.complaints) < LISTED:
                    self.summary.complaints.append(f"store:///{name}: {answer}")

    def _look(self, name: str, known: Mapping[UUID, Description]) -> "Kept | _Refused":
        """The picture in a file, or why it is none."""
        digest = sha256_in(name)
        if digest is None:
            return _Refused("its name is not the hash of a picture")
        at = known.get(image_id(digest), Description())
        if at.removed or self._parts.store.is_removed(f"store:///{name}"):
            return _Refused("the picture was removed: `thumper import --even-removed` brings it back")
        try:
            data = self._parts.store.read(f"store:///{name}", None, self._plan.max_picture_bytes)
            metadata = read_metadata(data, at.path or "")
        except PictureError as error:
            return _Refused(error.message)
        if sha256(data).hexdigest() != digest:
            return _Refused("its bytes are not those that its name speaks of")
        if name != f"{digest[:2]}/{digest}{metadata.suffix}":
            return _Refused(f"an import would call it {digest[:2]}/{digest}{metadata.suffix}")
        found = Found(b"", at.location or "", at.path or "", len(data), 0.0)
        return Kept(Read(found, data, digest, image_id(digest)), metadata, f"store:///{name}")

    def _announce(self, kept: Kept) -> None:
        if len(self.summary.examples) < LISTED:
            self.summary.examples.append(kept.uri)
        if self._plan.dry_run:
            self._arrived()
            return
        event = image_event(kept, self._plan.import_id, self._parts.clock.wall())
        self._parts.delivery.send("images", event, self._arrived)

    def _arrived(self) -> None:
        self.summary.announced += 1

    def _deliver(self) -> None:
        try:
            self._parts.delivery.drain()
        except KafkaDown as error:
            self.summary.stopped_because = in_full(error)
