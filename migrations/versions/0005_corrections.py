"""What corrections need: facts by their ids, claims that replace others, what corrects what.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FACTS = """
CREATE FUNCTION record.fact_of(body jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(body->>'movement', body->>'visit', body->>'administration', body->>'merge')::uuid
$$;
COMMENT ON FUNCTION record.fact_of IS 'The movement, visit, dose or merge that an event tells of.';
GRANT EXECUTE ON FUNCTION record.fact_of(jsonb) TO wardbook_app;
CREATE INDEX events_fact ON record.events USING hash (record.fact_of(body))
    WHERE record.fact_of(body) IS NOT NULL;
CREATE INDEX events_cancel ON record.events USING hash (((body->>'cancel')::uuid))
    WHERE body ? 'cancel';
"""

CLAIM = """
CREATE OR REPLACE FUNCTION record.claim(cmd jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- What a command claims: all that its stays claimed before is given up first, by itself.
BEGIN
    IF cmd ? 'restated' THEN
        DELETE FROM bed_claims c USING jsonb_array_elements_text(cmd->'restated') AS s (id)
            WHERE c.stay = s.id::uuid;
        DELETE FROM person_claims c USING jsonb_array_elements_text(cmd->'restated') AS s (id)
            WHERE c.stay = s.id::uuid;
        INSERT INTO bed_claims
        SELECT subject_no('bed ' || b.room || ' ' || b.bed), b.room, b.bed, b.stay,
               tstzrange(b.since, b.until), b.kept, b.shares_bed_of
        FROM jsonb_to_recordset(cmd->'beds') AS b (room uuid, bed text, stay uuid,
            since timestamptz, until timestamptz, kept boolean, shares_bed_of uuid);
        INSERT INTO person_claims
        SELECT subject_no('person ' || p.person), p.person, p.stay, tstzrange(p.since, p.until)
        FROM jsonb_to_recordset(cmd->'persons') AS p (person uuid, stay uuid,
            since timestamptz, until timestamptz);
    END IF;
    DELETE FROM unique_claims c
        USING jsonb_to_recordset(cmd->'unique') AS u (kind text, owner uuid, replaces boolean)
        WHERE u.replaces AND c.kind = u.kind AND c.owner = u.owner;
    INSERT INTO unique_claims
    SELECT u.kind, u.key, u.owner
    FROM jsonb_to_recordset(cmd->'unique') AS u (kind text, key text, owner uuid);
END $$;
"""

GONE = """
DROP SCHEMA IF EXISTS patients_v1 CASCADE;
DROP SCHEMA IF EXISTS timeline_v1 CASCADE;
"""

READ_MODELS = (
    """
CREATE SCHEMA patients_v2;
CREATE TABLE patients_v2.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN patients_v2.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN patients_v2.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN patients_v2.parked.error IS 'without anything about a patient';
CREATE TABLE patients_v2.patients (
    patient UUID NOT NULL,
    mrn VARCHAR NOT NULL,
    mrn_authority VARCHAR NOT NULL,
    family_name VARCHAR,
    given_name VARCHAR,
    birth_date DATE,
    sex VARCHAR NOT NULL,
    confidentiality VARCHAR NOT NULL,
    died_at TIMESTAMP WITH TIME ZONE,
    merged_into UUID,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN patients_v2.patients.position IS 'the event that made the row';
CREATE INDEX patients_merged_into ON patients_v2.patients (merged_into);
CREATE INDEX patients_mrn ON patients_v2.patients (mrn);
CREATE INDEX patients_patient ON patients_v2.patients (patient);
CREATE INDEX patients_when ON patients_v2.patients USING gist (during, known);
CREATE TABLE patients_v2.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
""",
    """
CREATE SCHEMA timeline_v2;
CREATE TABLE timeline_v2.entries (
    entry UUID NOT NULL,
    patient UUID NOT NULL,
    stay UUID,
    subject UUID NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    movement UUID,
    fact UUID,
    corrects UUID,
    corrected_by UUID,
    cancels UUID,
    cancelled_by UUID,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    precision VARCHAR NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_position BIGINT NOT NULL,
    late BOOLEAN NOT NULL,
    recorded_by JSONB NOT NULL,
    performed_by VARCHAR,
    reason VARCHAR,
    source JSONB,
    data JSONB NOT NULL,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN timeline_v2.entries.subject IS 'the stream: stay, prescription, patient';
COMMENT ON COLUMN timeline_v2.entries.fact IS 'the movement, visit, dose or change of a prescription';
COMMENT ON COLUMN timeline_v2.entries.corrects IS 'the entry in whose place this one is';
COMMENT ON COLUMN timeline_v2.entries.cancels IS 'the entry that this one takes back';
COMMENT ON COLUMN timeline_v2.entries.position IS 'the event that made the row';
CREATE INDEX entries_entry ON timeline_v2.entries (entry);
CREATE INDEX entries_fact ON timeline_v2.entries (fact);
CREATE INDEX entries_movement ON timeline_v2.entries (movement);
CREATE INDEX entries_patient ON timeline_v2.entries (patient);
CREATE INDEX entries_stay ON timeline_v2.entries (stay);
CREATE INDEX entries_subject ON timeline_v2.entries (subject);
CREATE INDEX entries_when ON timeline_v2.entries USING gist (during, known);
CREATE TABLE timeline_v2.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN timeline_v2.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN timeline_v2.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN timeline_v2.parked.error IS 'without anything about a patient';
CREATE TABLE timeline_v2.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
""",
)

RIGHTS = """
GRANT USAGE ON SCHEMA {0} TO wardbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {0} TO wardbook_app;
"""


def upgrade() -> None:
    for part in (FACTS, CLAIM, GONE, *READ_MODELS):
        op.execute(part)
    for schema in ("patients_v2", "timeline_v2"):
        op.execute(RIGHTS.format(schema))


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
