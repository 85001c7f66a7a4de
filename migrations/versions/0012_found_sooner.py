"""Indexes for reports and restatements. Empty: see `infrastructure.postgres.migrate`.

Read models are made from their metadata, the log's functions from SQL files, both after all revisions.

Revision ID: 0012
Revises: 0011
"""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing."""


def downgrade() -> None:
    """Do nothing."""
