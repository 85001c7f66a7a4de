"""Tokens and logins that are taken no more: a list that is only ever added to.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit.revocations (
    no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    issuer     text NOT NULL,
    subject    text,
    token_id   text,
    until      timestamptz NOT NULL,
    reason     text NOT NULL,
    revoked_by text NOT NULL,
    CHECK (num_nonnulls(subject, token_id) = 1)
);
COMMENT ON TABLE audit.revocations IS 'Tokens and logins that are taken no more.';
COMMENT ON COLUMN audit.revocations.until IS 'Tokens of the login issued up to then are revoked.';
GRANT SELECT ON audit.revocations TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise RuntimeError("a revoked token would be taken again; restore a backup instead")
