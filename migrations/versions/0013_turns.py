"""Indexes for the next boundary of valid time. Empty: see `infrastructure.postgres.migrate`.

Read models are made from their metadata, the log's functions from SQL files, both after all revisions.

Revision ID: 0013
Revises: 0012
"""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing."""


def downgrade() -> None:
    """Do nothing."""
