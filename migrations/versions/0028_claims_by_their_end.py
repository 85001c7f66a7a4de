"""Find the claims on a room by their end, so that those of long ago are not read for each command.

Revision ID: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEX = """
CREATE INDEX bed_claims_room_until ON record.bed_claims (room, coalesce(upper(during), 'infinity'));
DROP INDEX record.bed_claims_room;
"""


def upgrade() -> None:
    op.execute(INDEX)


def downgrade() -> None:
    op.execute(
        "CREATE INDEX bed_claims_room ON record.bed_claims (room);"
        " DROP INDEX record.bed_claims_room_until"
    )
