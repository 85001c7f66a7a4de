"""Exclude uses of one bed, and stays of one person, by their minutes: charts have no seconds.

Revision ID: 0027
Revises: 0026
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MINUTES = (
    "(CASE WHEN isempty(during) THEN during"
    " ELSE tstzrange(date_bin('1 minute', lower(during), 'epoch'),"
    " date_bin('1 minute', upper(during), 'epoch')) END)"
)
"""A claim within one minute is an empty range, which the command compares."""

CONSTRAINTS = f"""
ALTER TABLE record.bed_claims DROP CONSTRAINT one_stay_per_bed;
ALTER TABLE record.bed_claims ADD CONSTRAINT one_stay_per_bed EXCLUDE USING gist
    (int8range(bed_no, bed_no, '[]') WITH &&, {MINUTES} WITH &&)
    WHERE (shares_bed_of IS NULL AND NOT upper_inc(during));
ALTER TABLE record.person_claims DROP CONSTRAINT one_stay_per_person;
ALTER TABLE record.person_claims ADD CONSTRAINT one_stay_per_person EXCLUDE USING gist
    (int8range(person_no, person_no, '[]') WITH &&, {MINUTES} WITH &&);
"""


def upgrade() -> None:
    op.execute(CONSTRAINTS)


def downgrade() -> None:
    raise RuntimeError("stays may follow each other within a minute; restore a backup instead")
