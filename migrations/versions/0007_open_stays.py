"""The stays that are open are found without all that ended: of those, too, the last row is open.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Read models that were dropped are made anew, with this index, after all migrations.
    op.execute(
        "DO $do$ BEGIN IF to_regclass('stays_v1.stays') IS NOT NULL THEN"
        " CREATE INDEX stays_open ON stays_v1.stays USING gist (during, known)"
        " WHERE status IN ('ADMITTED', 'ON_LEAVE'); END IF; END $do$"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS stays_v1.stays_open")
