"""Deliveries of HL7: how far each receiver has been told, and what it refused.

Revision ID: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA hl7;
GRANT USAGE ON SCHEMA hl7 TO wardbook_app;
CREATE TABLE hl7.deliveries (
    receiver  text PRIMARY KEY,
    log_id    uuid NOT NULL,
    position  bigint NOT NULL,
    sent      integer NOT NULL DEFAULT 0,
    told_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE hl7.deliveries IS 'How far each receiver of HL7 messages has been told of the log.';
COMMENT ON COLUMN hl7.deliveries.position IS 'The last command of which everything is told.';
COMMENT ON COLUMN hl7.deliveries.sent IS 'The messages of the next command that are told already.';
CREATE TABLE hl7.parked (
    receiver   text NOT NULL,
    control_id text NOT NULL,
    position   bigint NOT NULL,
    stay       uuid,
    trigger    text NOT NULL,
    code       text,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (receiver, control_id)
);
COMMENT ON TABLE hl7.parked IS
    'Messages that a receiver refused for good (AR): of which command and stay, nothing of a person.';
GRANT SELECT, INSERT, UPDATE, DELETE ON hl7.deliveries, hl7.parked TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP SCHEMA hl7 CASCADE")
