"""What each part may do in the database: the sink writes, everybody else reads, and nobody but the owner defines."""

from psycopg2 import sql
from psycopg2.errors import UndefinedObject

from thumper.database import make_engine, translated
from thumper.errors import UserError
from thumper.settings import Settings

WRITERS = frozenset({"sink"})
# Of tables that later releases add too; TEMPORARY: batches are staged there.
_READ = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
)
_WRITE = (
    "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "GRANT TEMPORARY ON DATABASE {database} TO {role}",
)


def grant(settings: Settings, part: str, role: str) -> None:
    """Give `role`, which must exist, what `part` needs. `settings` are those of the tables' owner. Again does no harm.

    Raises UserError if there is no such role, DatabaseDown.
    """
    engine = make_engine(settings)
    try:
        with translated(), engine.connect() as connection:
            raw = connection.connection.cursor()
            raw.execute("SELECT current_schema(), current_database()")
            schema, database = raw.fetchone() or ("", "")
            names = {"role": role, "schema": schema, "database": database}
            quoted = {key: sql.Identifier(name) for key, name in names.items()}
            for statement in (*_READ, *(_WRITE if part in WRITERS else ())):
                raw.execute(sql.SQL(statement).format(**quoted))
            connection.connection.commit()
    except UndefinedObject:
        raise UserError(
            f"there is no role {role!r} in the database", "an administrator creates it: CREATE ROLE ... LOGIN PASSWORD"
        ) from None
    finally:
        engine.dispose()
