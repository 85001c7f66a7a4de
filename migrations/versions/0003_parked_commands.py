"""Beside each read model, the commands that it could not take in.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMAS = (
    "patients_v1",
    "practitioners_v1",
    "rooms_v1",
    "stays_v1",
    "occupancy_v1",
    "timeline_v1",
    "prescriptions_v1",
    "visits_v1",
)

PARKED = """
CREATE TABLE {0}.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN {0}.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN {0}.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN {0}.parked.error IS 'without anything about a patient';
"""


def upgrade() -> None:
    for schema in SCHEMAS:
        # One that was dropped is made anew, with this table, after all migrations.
        op.execute(
            f"DO $do$ BEGIN IF to_regnamespace('{schema}') IS NOT NULL THEN"
            f" {PARKED.format(schema)} END IF; END $do$"
        )


def downgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"DROP TABLE IF EXISTS {schema}.parked")
