"""Movements that other systems report: claims that are given up, and their read model.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CLAIM = """
CREATE OR REPLACE FUNCTION record.claim(cmd jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- What a command claims. What its stays claimed before is given up first, and what it releases.
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
        USING jsonb_to_recordset(cmd->'released') AS u (kind text, key text)
        WHERE c.kind = u.kind AND c.key = u.key;
    DELETE FROM unique_claims c
        USING jsonb_to_recordset(cmd->'unique') AS u (kind text, owner uuid, replaces boolean)
        WHERE u.replaces AND c.kind = u.kind AND c.owner = u.owner;
    INSERT INTO unique_claims
    SELECT u.kind, u.key, u.owner
    FROM jsonb_to_recordset(cmd->'unique') AS u (kind text, key text, owner uuid);
END $$;
"""

READ_MODEL = """
CREATE SCHEMA source_movements_v1;
CREATE TABLE source_movements_v1.parked (
    command UUID NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    streams UUID[] NOT NULL,
    touches UUID[] NOT NULL,
    error VARCHAR NOT NULL,
    PRIMARY KEY (command)
);
COMMENT ON COLUMN source_movements_v1.parked.streams IS 'those that the model folds';
COMMENT ON COLUMN source_movements_v1.parked.touches IS 'stays, rooms and all streams';
COMMENT ON COLUMN source_movements_v1.parked.error IS 'without anything about a patient';
CREATE TABLE source_movements_v1.position (
    only_one INTEGER NOT NULL,
    log_id UUID NOT NULL,
    epoch INTEGER NOT NULL,
    position BIGINT NOT NULL,
    alive_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (only_one)
);
CREATE TABLE source_movements_v1.source_movements (
    source_movement UUID NOT NULL,
    visit UUID NOT NULL,
    reported INTEGER NOT NULL,
    system VARCHAR NOT NULL,
    source_visit VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    source_recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status VARCHAR NOT NULL,
    why VARCHAR,
    cancelled BOOLEAN NOT NULL,
    kind VARCHAR,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    patient UUID,
    stay UUID,
    movement UUID,
    during TSTZRANGE NOT NULL,
    known INT8RANGE NOT NULL,
    position BIGINT NOT NULL
);
COMMENT ON COLUMN source_movements_v1.source_movements.visit IS 'the visit that it is part of';
COMMENT ON COLUMN source_movements_v1.source_movements.reported IS 'its event that holds';
COMMENT ON COLUMN source_movements_v1.source_movements.why IS 'code of the refusal, if pending';
COMMENT ON COLUMN source_movements_v1.source_movements.cancelled IS 'whether the source took it back';
COMMENT ON COLUMN source_movements_v1.source_movements.position IS 'the event that made the row';
CREATE INDEX source_movements_source_movement ON source_movements_v1.source_movements (source_movement);
CREATE INDEX source_movements_status ON source_movements_v1.source_movements (status);
CREATE INDEX source_movements_visit ON source_movements_v1.source_movements (visit);
CREATE INDEX source_movements_when ON source_movements_v1.source_movements USING gist (during, known);
"""

RIGHTS = """
GRANT USAGE ON SCHEMA source_movements_v1 TO wardbook_app;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA source_movements_v1
    TO wardbook_app;
"""


def upgrade() -> None:
    for part in (CLAIM, READ_MODEL, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
