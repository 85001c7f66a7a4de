"""The next moment at which any row of a board begins or ceases to be true can be found.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = (
    "occupancy_v1.stretches",
    "patients_v2.patients",
    "practitioners_v1.practitioners",
    "rooms_v1.rooms",
    "rooms_v1.beds",
    "rooms_v1.spells",
    "stays_v1.stays",
)


def upgrade() -> None:
    # Read models that were dropped are made anew, with these indexes, after all migrations.
    for table in TABLES:
        name = table.partition(".")[2]
        op.execute(
            f"DO $do$ BEGIN IF to_regclass('{table}') IS NOT NULL THEN"
            f" CREATE INDEX {name}_begin ON {table} (lower(during));"
            f" CREATE INDEX {name}_end ON {table} (upper(during)) WHERE NOT upper_inf(during);"
            " END IF; END $do$"
        )


def downgrade() -> None:
    for table in TABLES:
        for end in ("begin", "end"):
            op.execute(f"DROP INDEX IF EXISTS {table}_{end}")
