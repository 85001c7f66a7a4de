"""Issued reports. Empty: see `infrastructure.postgres.migrate`.

Read models are made from their metadata, the log's functions from SQL files, both after all revisions.

Revision ID: 0009
Revises: 0008
"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing."""


def downgrade() -> None:
    """Do nothing."""
