"""Columns of the access log beside whose data were read: outcome, what was asked, from where.

Revision ID: 0017
Revises: 0016
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = """
ALTER TABLE audit.accesses
    DROP CONSTRAINT accesses_patients_check,
    ADD COLUMN outcome text NOT NULL DEFAULT 'success',
    ADD COLUMN entity text,
    ADD COLUMN resources uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN shown int,
    ADD COLUMN as_of timestamptz,
    ADD COLUMN known_at timestamptz,
    ADD COLUMN wards text[],
    ADD COLUMN on_behalf_of text,
    ADD COLUMN token_id text,
    ADD COLUMN address text,
    ADD COLUMN server text;
CREATE INDEX accesses_opened ON audit.accesses (no) WHERE cardinality(opened) > 0;
COMMENT ON COLUMN audit.accesses.outcome IS 'success, or refused: what was told is in entity.';
COMMENT ON COLUMN audit.accesses.entity IS 'A report with its period, SQL, the code of a refusal.';
COMMENT ON COLUMN audit.accesses.resources IS 'The stays and prescriptions that were shown.';
COMMENT ON COLUMN audit.accesses.shown IS 'How many patients were shown.';
COMMENT ON COLUMN audit.accesses.as_of IS 'The moment asked about; null: the present.';
COMMENT ON COLUMN audit.accesses.known_at IS 'The moment of the record asked about.';
COMMENT ON COLUMN audit.accesses.wards IS 'The wards of the login; null: the whole house.';
COMMENT ON COLUMN audit.accesses.token_id IS 'The id of the token (jti).';
COMMENT ON COLUMN audit.accesses.address IS 'The address of the client.';
COMMENT ON COLUMN audit.accesses.server IS 'The host that answered.';
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise RuntimeError("who read what is never forgotten; restore a backup instead")
