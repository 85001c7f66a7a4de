"""Index the first events of streams by their kind, from which `verify` draws whom it looks at.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX stored_events_first ON record.stored_events (kind, stream) WHERE version = 1;
COMMENT ON INDEX record.stored_events_first IS 'The streams of each kind, to draw some by lot.';
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX record.stored_events_first")
