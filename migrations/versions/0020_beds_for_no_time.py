"""Let a bed be claimed for no time, so that it is compared with who has it around that moment.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

CONSTRAINT = """
ALTER TABLE record.bed_claims DROP CONSTRAINT one_stay_per_bed;
ALTER TABLE record.bed_claims ADD CONSTRAINT one_stay_per_bed EXCLUDE USING gist
    (int8range(bed_no, bed_no, '[]') WITH &&, during WITH &&)
    WHERE (shares_bed_of IS NULL AND NOT upper_inc(during));
"""
"""A claim of no duration is ``[at, at]``: it may touch others, so the command compares it."""


def upgrade() -> None:
    op.execute(CONSTRAINT)


def downgrade() -> None:
    raise RuntimeError("beds that were had for no time are claimed; restore a backup instead")
