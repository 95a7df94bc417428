"""What `thumper check` looks at beside Kafka: the database, the store, disks, roots and weights."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import sinks.postgres.migrate
from thumper.database import make_engine, translated
from thumper.embedded.folder import NEEDED_BYTES
from thumper.errors import DatabaseDown, KafkaDown, StoreDown, ThumperError
from thumper.probe import DatabaseView, Finding, judge_database, judge_disk
from thumper.settings import Settings
from thumper.store import Store
from thumper.tables import metadata

_FACTS = """
SELECT current_setting('server_version_num')::int AS version, version() AS words,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS read_only,
    has_schema_privilege(current_schema(), 'CREATE') AS may_create,
    has_database_privilege(current_database(), 'TEMPORARY') AS may_use_temporary
"""
_WRITABLE = "SELECT " + " AND ".join(
    f"has_table_privilege(:name, '{right}')" for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
)
_ANSWER_MS = 5_000
_ADDRESS = {KafkaDown: "THUMPER_KAFKA_BOOTSTRAP", DatabaseDown: "THUMPER_DATABASE_URL"}


def check_database(settings: Settings) -> Iterator[Finding]:
    """Raises DatabaseDown, SettingError."""
    engine = make_engine(settings, statement_timeout_ms=_ANSWER_MS, application_name="thumper check")
    try:
        with translated(), engine.connect() as connection:
            view = view_database(connection)
    finally:
        engine.dispose()
    yield from judge_database(view, revisions())


def view_database(connection: Connection) -> DatabaseView:
    """Ask the database."""
    facts = connection.execute(text(_FACTS)).mappings().one()
    schema = MigrationContext.configure(connection).get_current_revision()
    unwritable: list[str] = []
    if schema is not None:
        unwritable = [
            name for name in sorted(metadata.tables) if not connection.execute(text(_WRITABLE), {"name": name}).scalar()
        ]
    words = str(facts["words"]).split(" on ")[0]
    return DatabaseView(**{**facts, "words": words}, schema=schema, unwritable=tuple(unwritable))


def revisions() -> tuple[str, ...]:
    """The schemas that this release knows, oldest first."""
    folder = Path(sinks.postgres.migrate.__file__).parent / "migrations"
    return tuple(script.revision for script in reversed(list(ScriptDirectory(str(folder)).walk_revisions())))


def check_store(settings: Settings) -> Iterator[Finding]:
    """Raises SettingError, StoreDown."""
    store = Store(settings)
    try:
        store.open()
    except StoreDown as error:
        yield Finding("fail", "Store", error.message, f"{error.hint} `thumper init` makes a new store")
        return
    folder = folder_of(store.url)
    if folder is None:
        yield Finding("ok", "Store", f"{store.url}: answers, and is a store (writing into a bucket is not tried)")
        return
    yield _writable("Store", folder)
    yield judge_disk("Store", str(folder), store.free_bytes(), settings.store_reserve_bytes)


def folder_of(url: str) -> Path | None:
    """The folder of a `file://` address; None for a bucket."""
    return Path(unquote(url.removeprefix("file://"))) if url.startswith("file://") else None


def _writable(part: str, folder: Path) -> Finding:
    try:
        # Leaves nothing behind, whatever happens: it never gets a name where the system knows such files.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"thumper")
            file.flush()
    except OSError as error:
        found = f"{folder} cannot be written: {os.strerror(error.errno or 0)}"
        return Finding("fail", part, found, "see its owner and rights, and whether its disk is full or read only")
    return Finding("ok", part, f"{folder} can be written")


def check_folders(settings: Settings) -> Iterator[Finding]:
    """The data folder, and the roots that may be read in place."""
    data = settings.data_dir.absolute()
    there = next(folder for folder in (data, *data.parents) if folder.is_dir())
    yield _writable("Data folder", there)
    yield judge_disk("Data folder", str(data), shutil.disk_usage(there).free, NEEDED_BYTES)
    for root in settings.roots:
        yield _check_root(root)


def _check_root(root: Path) -> Finding:
    try:
        with os.scandir(root) as entries:
            first = next(entries, None)
    except OSError as error:
        found = f"{root} cannot be read: {os.strerror(error.errno or 0)}"
        return Finding("fail", "Root", found, "mount it, see its rights, or take it out of THUMPER_ROOTS")
    if first is None:
        return Finding("fail", "Root", f"{root} is empty", "is its disk mounted? or take it out of THUMPER_ROOTS")
    return Finding("ok", "Root", f"{root} can be read")


def check_weights(settings: Settings) -> Iterator[Finding]:
    """Raises ModelError, UserError."""
    from cli.wiring import weights_of
    from processors.detector.backends import choose
    from processors.detector.model import describe

    model = describe(weights_of(settings), settings.store_threshold, settings.display_threshold)
    choose(model, settings.device)
    words = f"{model.name} ({len(model.classes)} classes, {model.input_px} px, model {model.id})"
    yield Finding("ok", "Weights", f"{words} on device {settings.device}")


def check_api(settings: Settings) -> Iterator[Finding]:
    """Raises SettingError if the API would be an open door."""
    from api.security import refuse_open_door

    refuse_open_door(settings)
    yield Finding("ok", "API", f"listens at {settings.api_host}:{settings.api_port}")


def as_finding(part: str, error: Exception) -> Finding:
    """What a check that could not be done says."""
    if isinstance(error, KafkaDown | DatabaseDown):
        # Their own hint is to run what runs here.
        return Finding("fail", part, error.message, f"is it running, and is {_ADDRESS[type(error)]} right?")
    if isinstance(error, ThumperError):
        return Finding("fail", part, error.message, error.hint)
    return Finding("fail", part, f"could not be checked: {error!r}", "please report this")
