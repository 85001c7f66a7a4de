"""Last use of each token, for houses that end logins left unused.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit.token_uses (
    issuer  text NOT NULL,
    token   text NOT NULL,
    used_at timestamptz NOT NULL,
    ends    timestamptz NOT NULL,
    PRIMARY KEY (issuer, token)
);
CREATE INDEX ON audit.token_uses (ends);
COMMENT ON TABLE audit.token_uses IS 'When each token was last used; a row ends with its token.';
COMMENT ON COLUMN audit.token_uses.token IS 'Its id, or subject and time of issue of one without.';
GRANT SELECT, INSERT, UPDATE, DELETE ON audit.token_uses TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE audit.token_uses")
