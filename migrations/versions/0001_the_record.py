"""The record: the log of events, the memory of commands, the claims, and the one way to append.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA record;

CREATE TABLE record.log (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    log_id     uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch      integer NOT NULL DEFAULT 1,
    kind       text NOT NULL CHECK (kind IN ('real', 'simulated')),
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE record.log IS
    'What this log is. A simulated log takes its recording clock from the simulator, for ever.';

CREATE TABLE record.commands (
    command_id     uuid PRIMARY KEY,
    operation      text NOT NULL,
    digest         text NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    recorded_at    timestamptz NOT NULL
);
COMMENT ON TABLE record.commands IS 'Accepted commands; can be rebuilt from the events.';

CREATE TABLE record.events (
    position       bigint PRIMARY KEY CHECK (position > 0),
    stream         uuid NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    topic          text NOT NULL,
    schema_version integer NOT NULL CHECK (schema_version > 0),
    command_id     uuid NOT NULL,
    command_end    bigint NOT NULL CHECK (command_end >= position),
    recorded_at    timestamptz NOT NULL UNIQUE,
    body           jsonb NOT NULL,
    UNIQUE (stream, version)
);
COMMENT ON TABLE record.events IS 'The source of truth: appended by record.append, never changed.';
COMMENT ON COLUMN record.events.command_end IS 'The last position of the event''s command.';

CREATE TABLE record.subjects (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL UNIQUE
);
COMMENT ON TABLE record.subjects IS
    'Numbers for beds and persons: core GiST excludes over ranges of numbers, not over text.';

CREATE TABLE record.bed_claims (
    bed_no        bigint NOT NULL REFERENCES record.subjects,
    room          uuid NOT NULL,
    bed           text NOT NULL,
    stay          uuid NOT NULL,
    during        tstzrange NOT NULL CHECK (NOT isempty(during)),
    kept          boolean NOT NULL,
    shares_bed_of uuid,
    CONSTRAINT one_stay_per_bed EXCLUDE USING gist
        (int8range(bed_no, bed_no, '[]') WITH &&, during WITH &&) WHERE (shares_bed_of IS NULL)
);
CREATE INDEX bed_claims_stay ON record.bed_claims (stay);
CREATE INDEX bed_claims_room ON record.bed_claims (room);
CREATE INDEX bed_claims_shared ON record.bed_claims (shares_bed_of)
    WHERE shares_bed_of IS NOT NULL;
COMMENT ON TABLE record.bed_claims IS 'Who has which bed, as held true now.';

CREATE TABLE record.person_claims (
    person_no bigint NOT NULL REFERENCES record.subjects,
    person    uuid NOT NULL,
    stay      uuid NOT NULL,
    during    tstzrange NOT NULL,
    CONSTRAINT one_stay_per_person EXCLUDE USING gist
        (int8range(person_no, person_no, '[]') WITH &&, during WITH &&)
);
CREATE INDEX person_claims_stay ON record.person_claims (stay);
CREATE INDEX person_claims_person ON record.person_claims (person);
COMMENT ON TABLE record.person_claims IS 'Who is in the hospital, as held true now.';

CREATE TABLE record.unique_claims (
    kind  text NOT NULL,
    key   text NOT NULL,
    owner uuid NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX unique_claims_owner ON record.unique_claims (owner);
COMMENT ON TABLE record.unique_claims IS 'MRNs, room numbers, staff numbers: one owner each.';
"""

OPEN = """
CREATE FUNCTION record.open(wanted_kind text) RETURNS record.log
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    told record.log;
BEGIN
    INSERT INTO log (kind) VALUES (wanted_kind) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT told FROM log;
    RETURN told;
END $$;
COMMENT ON FUNCTION record.open IS 'Say what this log is, once; afterwards: tell what it is.';

CREATE FUNCTION record.subject_no(wanted text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    known bigint;
BEGIN
    SELECT no INTO known FROM subjects WHERE subject = wanted;
    IF NOT FOUND THEN
        INSERT INTO subjects (subject) VALUES (wanted) RETURNING no INTO known;
    END IF;
    RETURN known;
END $$;
"""

APPEND = """
CREATE FUNCTION record.append(commands jsonb) RETURNS jsonb
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
COMMENT ON FUNCTION record.append IS 'The one way into the log.';
"""

RIGHTS = """
DO $$ BEGIN
    CREATE ROLE wardbook_app LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    GRANT wardbook_app TO CURRENT_USER; -- so that one login of the owner's can work as it
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
GRANT USAGE ON SCHEMA record TO wardbook_app;
GRANT SELECT ON ALL TABLES IN SCHEMA record TO wardbook_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.append(jsonb), record.open(text) TO wardbook_app;
"""


def upgrade() -> None:
    for part in (TABLES, OPEN, APPEND, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
