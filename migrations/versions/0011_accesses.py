"""The access log, who read whose data: a table that is only ever added to.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLE = """
CREATE SCHEMA audit;
CREATE TABLE audit.accesses (
    no        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    issuer    text NOT NULL,
    subject   text NOT NULL,
    role      text NOT NULL,
    operation text NOT NULL,
    purpose   text NOT NULL,
    patients  uuid[] NOT NULL CHECK (cardinality(patients) > 0),
    opened    uuid[] NOT NULL
);
CREATE INDEX accesses_patients ON audit.accesses USING gin (patients);
CREATE INDEX accesses_subject ON audit.accesses (subject, no);
CREATE INDEX accesses_at ON audit.accesses (at);
COMMENT ON TABLE audit.accesses IS 'Who read whose data: one row an answer, never changed.';
COMMENT ON COLUMN audit.accesses.opened IS 'Those among them whose glass the reader had broken.';
"""

RIGHTS = """
GRANT USAGE ON SCHEMA audit TO wardbook_app;
GRANT SELECT ON audit.accesses TO wardbook_app;
"""


def upgrade() -> None:
    for part in (TABLE, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("who read what is never forgotten; restore a backup instead")
