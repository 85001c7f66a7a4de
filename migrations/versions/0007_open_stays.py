"""An index for open stays. Empty: see `infrastructure.postgres.migrate`.

Read models are made from their metadata, the log's functions from SQL files, both after all revisions.

Revision ID: 0007
Revises: 0006
"""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing."""


def downgrade() -> None:
    """Do nothing."""
