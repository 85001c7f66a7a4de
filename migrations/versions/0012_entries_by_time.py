"""The facts of a period are found by when they occurred, for the timeliness of the record.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Read models that were dropped are made anew, with this index, after all migrations.
    op.execute(
        "DO $do$ BEGIN IF to_regclass('timeline_v2.entries') IS NOT NULL THEN"
        " CREATE INDEX entries_occurred_at ON timeline_v2.entries (occurred_at); END IF; END $do$"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS timeline_v2.entries_occurred_at")
