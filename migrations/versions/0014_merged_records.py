"""Merged records: looked up for the labels of a person.

Revision ID: 0014
Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX stored_events_merged_into ON record.stored_events ((own->>'into'))
    WHERE own->>'into' IS NOT NULL;
COMMENT ON INDEX record.stored_events_merged_into IS 'The merges, by the record that it was into.';
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX record.stored_events_merged_into")
