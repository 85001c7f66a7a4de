"""Inpatient stays as reports read them, each whole in one row. They come from the log.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INPATIENTS = """
CREATE SCHEMA inpatients_v1;
CREATE TABLE inpatients_v1.inpatients (
    stay UUID NOT NULL,
    patient UUID NOT NULL,
    admission_type VARCHAR NOT NULL,
    admitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_to_admit_at TIMESTAMP WITH TIME ZONE,
    discharged_at TIMESTAMP WITH TIME ZONE,
    disposition VARCHAR,
    spans JSONB NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN inpatients_v1.inpatients.spans IS 'of each: since, state, room, bed, shared';
COMMENT ON COLUMN inpatients_v1.inpatients.position IS 'the event that made the row';
CREATE INDEX inpatients_stay ON inpatients_v1.inpatients (stay);
CREATE INDEX inpatients_when ON inpatients_v1.inpatients USING gist (during, known);
CREATE TABLE inpatients_v1.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN inpatients_v1.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN inpatients_v1.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN inpatients_v1.parked.error IS 'without anything about a patient';
CREATE TABLE inpatients_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
GRANT USAGE ON SCHEMA inpatients_v1 TO wardbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA inpatients_v1
    TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(INPATIENTS)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
