"""`thumper init`: topics, tables and the store, made where they are missing."""

from thumper.errors import StoreDown
from thumper.settings import Settings, read_settings


def init_command() -> None:
    """Create the topics, the tables and the store where they are missing; what exists is left as it is."""
    from cli.parts import settings_for_parts

    settings = settings_for_parts(read_settings())
    made = init(settings)
    for line in made:
        print(f"Created {line}")
    if not made:
        print("All was there: topics, tables and the store")


def init(settings: Settings) -> list[str]:
    """Make what is missing; says what was made. Raises Retriable, UserError or Fatal."""
    from cli.wiring import before_apps
    from thumper.topics import ensure_topics

    topics = [settings.topic_prefix + name for name in ensure_topics(settings)]
    before, had_store = _schema(settings), _has_store(settings)
    before_apps(settings)
    after = _schema(settings)
    made = [f"the topics {', '.join(topics)}"] if topics else []
    if before != after:
        made.append(f"the tables (schema {after}{'' if before is None else f', upgraded from {before}'})")
    if not had_store:
        made.append(f"the store {settings.store_url}")
    return made


def _schema(settings: Settings) -> str | None:
    from alembic.runtime.migration import MigrationContext

    from thumper.database import make_engine, translated

    engine = make_engine(settings)
    try:
        with translated(), engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def _has_store(settings: Settings) -> bool:
    from thumper.store import Store

    try:
        Store(settings).open()
    except StoreDown:
        return False
    return True
