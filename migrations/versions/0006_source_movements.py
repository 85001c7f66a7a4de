"""Movements that other systems report. Empty: see `infrastructure.postgres.migrate`.

Read models are made from their metadata, the log's functions from SQL files, both after all revisions.

Revision ID: 0006
Revises: 0005
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing."""


def downgrade() -> None:
    """Do nothing."""
