"""Reports that were given out.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

READ_MODEL = """
CREATE SCHEMA issued_reports_v1;
CREATE TABLE issued_reports_v1.issues (
    issue UUID NOT NULL,
    name VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    ward VARCHAR,
    computed_at BIGINT NOT NULL,
    told JSONB NOT NULL,
    recorded_by JSONB NOT NULL,
    reason VARCHAR,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN issued_reports_v1.issues.computed_at IS 'the position it is known at';
COMMENT ON COLUMN issued_reports_v1.issues.told IS 'terms, and what was said';
COMMENT ON COLUMN issued_reports_v1.issues.position IS 'the event that made the row';
CREATE INDEX issues_issue ON issued_reports_v1.issues (issue);
CREATE INDEX issues_when ON issued_reports_v1.issues USING gist (during, known);
CREATE TABLE issued_reports_v1.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN issued_reports_v1.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN issued_reports_v1.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN issued_reports_v1.parked.error IS 'without anything about a patient';
CREATE TABLE issued_reports_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE issued_reports_v1.restatements (
    restatement UUID NOT NULL,
    issue UUID NOT NULL,
    computed_at BIGINT NOT NULL,
    told JSONB NOT NULL,
    recorded_by JSONB NOT NULL,
    reason VARCHAR,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN issued_reports_v1.restatements.computed_at IS 'the position it is known at';
COMMENT ON COLUMN issued_reports_v1.restatements.told IS 'what was said, changes and their causes';
COMMENT ON COLUMN issued_reports_v1.restatements.position IS 'the event that made the row';
CREATE INDEX restatements_issue ON issued_reports_v1.restatements (issue);
CREATE INDEX restatements_restatement ON issued_reports_v1.restatements (restatement);
CREATE INDEX restatements_when ON issued_reports_v1.restatements USING gist (during, known);
"""

RIGHTS = """
GRANT USAGE ON SCHEMA issued_reports_v1 TO wardbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA issued_reports_v1
    TO wardbook_app;
"""


def upgrade() -> None:
    op.execute(READ_MODEL)
    op.execute(RIGHTS)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
