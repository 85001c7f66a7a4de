"""Find the destroyed keys by whose they were, so that each is recorded once.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX key_acts_destroyed ON audit.key_acts (subject) WHERE act = 'DESTROYED'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX audit.key_acts_destroyed")
