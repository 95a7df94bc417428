"""Bringing the tables to the newest schema, safely when two processes try at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from thumper.database import make_engine, translated
from thumper.errors import Fatal
from thumper.settings import Settings

# Any constant of our own: whoever holds this advisory lock is migrating.
_LOCK = 7_468_756_001


def migrate(settings: Settings) -> None:
    """Create or upgrade tables, views and triggers. Waits for another process that is doing so.

    Raises DatabaseDown, or Fatal if the tables are of a newer release than this.
    """
    engine = make_engine(settings, statement_timeout_ms=0)
    try:
        with translated(), engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            connection.commit()
            try:
                _upgrade(connection)
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
                connection.commit()
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if current is not None and current not in known:
        raise Fatal(
            f"the tables are of schema {current}, which this release does not know", "install the newer release"
        )
    command.upgrade(config, "head")
    connection.commit()
