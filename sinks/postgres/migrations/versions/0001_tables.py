"""The first schema: tables, rules, counters, and the predecessor's views.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SCRIPTS = ("0001_tables.sql", "0001_rules.sql", "0001_counters.sql", "0001_views.sql")


def upgrade() -> None:
    """Create everything in an empty schema."""
    folder = Path(__file__).parent
    connection = op.get_bind().execution_options(no_parameters=True)
    for script in _SCRIPTS:
        connection.exec_driver_sql((folder / script).read_text("utf-8"))


def downgrade() -> None:
    """There is nothing before the first schema: tables are emptied and rebuilt from the log instead."""
    raise NotImplementedError("the first schema has no predecessor")
