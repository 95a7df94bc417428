"""Removed pictures: their ids, and when.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.execute(
        "CREATE TABLE removed (image_id uuid PRIMARY KEY, log_partition integer NOT NULL, log_offset bigint NOT NULL, "
        "log_ms bigint NOT NULL)"
    )


def downgrade() -> None:
    """Older releases do not know that a picture was removed, and would bring it back at the next rebuild."""
    raise NotImplementedError("a release that does not know removals must not write these tables")
