"""What corrections need: facts by their ids, claims that replace others, what corrects what.

Revision ID: 0005
Revises: 0002
"""

from alembic import op

revision = "0005"
down_revision = "0002"
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

APPEND = """
CREATE OR REPLACE FUNCTION record.append(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends a batch of commands in order, each whole or not at all, and says what became of each.
-- Everything is read after the lock is held, so positions have no gaps and versions cannot be stale.
DECLARE
    log_kind      text;
    last_position bigint;
    last_at       timestamptz;
    cmd           jsonb;
    earlier       record.commands;
    event_count   integer;
    first_at      timestamptz;
    broken        text;
    outcome       jsonb;
    outcomes      jsonb := '[]';
    appended      boolean := false;
BEGIN
    PERFORM pg_advisory_xact_lock(1463898722, 1);
    SELECT kind INTO STRICT log_kind FROM log;
    SELECT e.position, e.recorded_at INTO last_position, last_at
        FROM events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    last_at := coalesce(last_at, '-infinity');

    FOR cmd IN SELECT value FROM jsonb_array_elements(commands) LOOP
    BEGIN
        SELECT * INTO earlier FROM record.commands c
            WHERE c.command_id = (cmd->>'command_id')::uuid;
        IF FOUND THEN
            outcome := jsonb_build_object('outcome', 'earlier', 'command', to_jsonb(earlier));
        ELSIF EXISTS (
            SELECT FROM jsonb_each_text(cmd->'reads') AS r (stream, version)
            WHERE r.version::integer <> coalesce(
                (SELECT max(e.version) FROM events e WHERE e.stream = r.stream::uuid), 0)
        ) THEN
            outcome := jsonb_build_object('outcome', 'stale');
        ELSE
            event_count := jsonb_array_length(cmd->'events');
            IF event_count = 0 THEN
                RAISE EXCEPTION 'a command writes at least one event';
            END IF;
            IF EXISTS (
                SELECT FROM (
                    SELECT e->>'stream' AS stream, (e->>'version')::integer AS version,
                           row_number() OVER (PARTITION BY e->>'stream' ORDER BY n) AS nth
                    FROM jsonb_array_elements(cmd->'events') WITH ORDINALITY AS given (e, n)
                ) AS written
                WHERE version IS DISTINCT FROM nth + (cmd->'reads'->>stream)::integer
            ) THEN
                RAISE EXCEPTION 'events do not follow the versions that were read';
            END IF;

            first_at := clock_timestamp();
            IF cmd ? 'recorded_at' THEN
                IF log_kind <> 'simulated' THEN
                    RAISE EXCEPTION 'only a simulated log takes its clock from outside';
                END IF;
                first_at := (cmd->>'recorded_at')::timestamptz;
            END IF;
            first_at := greatest(first_at, last_at + interval '1 microsecond');

            INSERT INTO events (position, stream, version, topic, schema_version,
                                command_id, command_end, recorded_at, body)
            SELECT last_position + n, (e->>'stream')::uuid, (e->>'version')::integer,
                   e->>'topic', (e->>'schema_version')::integer, (cmd->>'command_id')::uuid,
                   last_position + event_count, first_at + (n - 1) * interval '1 microsecond',
                   e->'body'
            FROM jsonb_array_elements(cmd->'events') WITH ORDINALITY AS given (e, n);

            INSERT INTO record.commands
            VALUES ((cmd->>'command_id')::uuid, cmd->>'operation', cmd->>'digest',
                    last_position + 1, last_position + event_count,
                    first_at + (event_count - 1) * interval '1 microsecond')
            RETURNING * INTO earlier;

            IF cmd ? 'restated' THEN
                DELETE FROM bed_claims c USING jsonb_array_elements_text(cmd->'restated') AS s (id)
                    WHERE c.stay = s.id::uuid;
                DELETE FROM person_claims c
                    USING jsonb_array_elements_text(cmd->'restated') AS s (id)
                    WHERE c.stay = s.id::uuid;
                INSERT INTO bed_claims
                SELECT subject_no('bed ' || b.room || ' ' || b.bed), b.room, b.bed, b.stay,
                       tstzrange(b.since, b.until), b.kept, b.shares_bed_of
                FROM jsonb_to_recordset(cmd->'beds') AS b (room uuid, bed text, stay uuid,
                    since timestamptz, until timestamptz, kept boolean, shares_bed_of uuid);
                INSERT INTO person_claims
                SELECT subject_no('person ' || p.person), p.person, p.stay,
                       tstzrange(p.since, p.until)
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

            last_position := earlier.last_position;
            last_at := earlier.recorded_at;
            appended := true;
            outcome := jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(earlier));
        END IF;
    EXCEPTION WHEN exclusion_violation OR unique_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        outcome := jsonb_build_object('outcome', 'taken', 'claim', broken);
    END;
    outcomes := outcomes || outcome;
    END LOOP;

    IF appended THEN
        PERFORM pg_notify('wardbook_log', last_position::text);
    END IF;
    RETURN outcomes;
END $$;
"""

GONE = """
DROP SCHEMA IF EXISTS patients_v1 CASCADE;
DROP SCHEMA IF EXISTS timeline_v1 CASCADE;
"""

READ_MODELS = (
    """
CREATE SCHEMA patients_v2;
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
    for part in (FACTS, APPEND, GONE, *READ_MODELS):
        op.execute(part)
    for schema in ("patients_v2", "timeline_v2"):
        op.execute(RIGHTS.format(schema))


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
