"""The changes of prescriptions by their ids: each can be corrected and taken back.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX stored_events_change ON record.stored_events USING hash (((own->>'change')::uuid))
    WHERE (own->>'change')::uuid IS NOT NULL;
COMMENT ON INDEX record.stored_events_change IS 'The changes of prescriptions, by their ids.';
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX record.stored_events_change")
