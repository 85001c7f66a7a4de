"""The consults of stays by their ids: each is answered, put right and taken back.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX stored_events_consult ON record.stored_events USING hash (((own->>'consult')::uuid))
    WHERE (own->>'consult')::uuid IS NOT NULL;
COMMENT ON INDEX record.stored_events_consult IS 'The consults of stays, by their ids.';
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX record.stored_events_consult")
