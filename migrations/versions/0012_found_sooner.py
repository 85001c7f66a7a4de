"""Indexes for reports on a period, for restatements of a few, and for what a wrong fact led to.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INDEXES = (
    ("timeline_v2", "entries", "occurred_at"),
    ("timeline_v2", "entries", "recorded_position"),
    ("inpatients_v1", "inpatients", "patient"),
)


def upgrade() -> None:
    # Read models that were dropped are made anew, with these indexes, after all migrations.
    for schema, table, column in INDEXES:
        op.execute(
            f"DO $do$ BEGIN IF to_regclass('{schema}.{table}') IS NOT NULL THEN"
            f" CREATE INDEX {table}_{column} ON {schema}.{table} ({column}); END IF; END $do$"
        )


def downgrade() -> None:
    for schema, table, column in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {schema}.{table}_{column}")
