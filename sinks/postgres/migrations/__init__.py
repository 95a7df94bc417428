"""The tables' history: Alembic revisions, run by `migrate`."""
