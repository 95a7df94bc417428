"""Which pictures and places the tables know already, and the lock that lets one import run at a time. Reads only."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from thumper.database import translated
from thumper.errors import DatabaseDown, UserError
from thumper.record import Partition

# Held by a running import, in any process on this database: two at once would not see each other's pictures.
LOCK_KEY = 0x7468_756D_7065_7202
# Every place of these pictures: their first, and where they were seen besides.
_PLACES = text(
    "SELECT image_id, location_id, path FROM image WHERE image_id = ANY(CAST(:ids AS uuid[]))"
    " UNION ALL SELECT image_id, location_id, path FROM place WHERE image_id = ANY(CAST(:ids AS uuid[]))"
)
_REMOVED = text("SELECT image_id FROM removed WHERE image_id = ANY(CAST(:ids AS uuid[]))")
# How far the sink has recorded the log.
_RECORDED = text("SELECT topic, log_partition, next_offset FROM recorded WHERE topic = ANY(:topics)")
# Whether any picture lies in the store.
_STORED = text("SELECT EXISTS (SELECT FROM image WHERE uri LIKE 'store:%')")
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)")
_UNDEFINED_TABLE = "42P01"

# Where a picture was seen: the location's id, and the path from its folder on.
Place = tuple[UUID | None, str | None]


class KnownPictures(Protocol):
    """What the import asks before it copies. For one thread. Every call may raise DatabaseDown."""

    def places(self, ids: Sequence[UUID]) -> Mapping[UUID, set[Place]]:
        """The places of those of `ids` that are known."""
        ...

    def removed(self, ids: Sequence[UUID]) -> Set[UUID]:
        """Those of `ids` that somebody has removed; some may be known again since."""
        ...


class RecordedPictures:
    """KnownPictures from the sink's tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def places(self, ids: Sequence[UUID]) -> dict[UUID, set[Place]]:
        """One query for all of `ids`."""
        found: dict[UUID, set[Place]] = {}
        with self._connected() as connection:
            rows = connection.execute(_PLACES, {"ids": [str(one) for one in ids]})
            for image, location, path in rows:
                found.setdefault(UUID(str(image)), set()).add((location and UUID(str(location)), path))
        return found

    def removed(self, ids: Sequence[UUID]) -> set[UUID]:
        """See KnownPictures."""
        with self._connected() as connection:
            found = connection.execute(_REMOVED, {"ids": [str(one) for one in ids]}).scalars()
            return {UUID(str(one)) for one in found}

    def recorded(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The next offset that the sink has not recorded, for each partition that it has recorded any of."""
        with self._connected() as connection:
            rows = connection.execute(_RECORDED, {"topics": list(topics)})
            return {Partition(topic, number): offset for topic, number, offset in rows}

    def any_stored(self) -> bool:
        """Whether some known picture lies in the store, so that an empty store cannot be the right one."""
        with self._connected() as connection:
            return bool(connection.execute(_STORED).scalar())

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with translated(), self._engine.connect() as connection:
                yield connection
        except ProgrammingError as error:
            if getattr(error.orig, "pgcode", None) != _UNDEFINED_TABLE:
                raise
            raise UserError("the database has no tables yet", "`thumper up` or `thumper init` makes them") from None


class ImportLock:
    """One import at a time on one database; PostgreSQL gives the lock back when its holder dies."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; True if this import holds it now. Raises DatabaseDown."""
        if self.held():
            return True
        with translated():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.execute(_TRY_LOCK, {"key": LOCK_KEY}).scalar():
                self._connection = connection
            else:
                connection.close()
        return self._connection is not None

    def held(self) -> bool:
        """Whether the lock is still ours: it is gone with the connection."""
        if self._connection is None:
            return False
        try:
            with translated():
                self._connection.execute(text("SELECT 1"))
        except DatabaseDown:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give the lock back; harmless without it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # ends the session, and with it the lock, even if the server does not answer
            connection.close()
