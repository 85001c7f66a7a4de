"""Acts on the keys, and trees over them and over revocations.

Revision ID: 0026
Revises: 0025
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE audit.key_acts (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    act     text NOT NULL CHECK (act IN ('BEGUN', 'DESTROYED', 'WRAPPED_ANEW', 'GIVEN_UP')),
    subject text,
    store   text NOT NULL,
    login   text NOT NULL
);
COMMENT ON TABLE audit.key_acts IS 'What was done to the keys of the log: only added to.';
COMMENT ON COLUMN audit.key_acts.subject IS 'Whose key: the id of a patient, a stay, an arrival.';
COMMENT ON COLUMN audit.key_acts.store IS 'The id of the key store.';
GRANT SELECT ON audit.key_acts TO wardbook_app;
ALTER TABLE record.checkpoints DROP CONSTRAINT checkpoints_tree_check;
ALTER TABLE record.checkpoints ADD CONSTRAINT checkpoints_tree_check
    CHECK (tree IN ('events', 'accesses', 'revocations', 'keys'));
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise RuntimeError("what was done to the keys is never forgotten; restore a backup instead")
