"""Signed checkpoints of the trees over the log and the record of reading.

Revision ID: 0023
Revises: 0022
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE record.checkpoints (
    no        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tree      text NOT NULL CHECK (tree IN ('events', 'accesses')),
    size      bigint NOT NULL CHECK (size >= 0),
    epoch     integer NOT NULL,
    last      bigint NOT NULL,
    note      text NOT NULL,
    frontier  bytea NOT NULL,
    leaves    bytea NOT NULL CHECK (octet_length(leaves) % 32 = 0),
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX checkpoints_tree ON record.checkpoints (tree, no);
ALTER TABLE record.checkpoints ALTER leaves SET STORAGE EXTERNAL; -- hashes cannot be compressed
COMMENT ON TABLE record.checkpoints IS
    'What was signed of the trees over record.stored_events and audit.accesses; only added to.';
COMMENT ON COLUMN record.checkpoints.last IS 'The number of the last row: its position or no.';
COMMENT ON COLUMN record.checkpoints.note IS 'Origin, size and root, signed (C2SP signed note).';
COMMENT ON COLUMN record.checkpoints.frontier IS 'The hashes by which the tree is gone on with.';
COMMENT ON COLUMN record.checkpoints.leaves IS 'The hashes of the rows since the one before.';
GRANT SELECT ON record.checkpoints TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    raise RuntimeError("what was signed stays signed; restore a backup instead")
