"""Index the claims of no duration, which each command that begins a use of a bed is compared with.

Revision ID: 0024
Revises: 0023
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX bed_claims_of_no_duration ON record.bed_claims (room) WHERE upper_inc(during);
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX record.bed_claims_of_no_duration")
