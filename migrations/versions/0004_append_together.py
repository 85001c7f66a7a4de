"""Commands of a batch that have no stream in common are appended together, by one statement.

What one by one takes eight subtransactions takes one; a batch with a refusal in it still goes one
by one, so each command stands or falls by itself as before. Plans are kept (``force_generic_plan``):
planning these statements takes longer than running them.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CLAIM = """
CREATE FUNCTION record.claim(cmd jsonb) RETURNS void
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
    INSERT INTO unique_claims
    SELECT u.kind, u.key, u.owner
    FROM jsonb_to_recordset(cmd->'unique') AS u (kind text, key text, owner uuid);
END $$;
"""

ONE_BY_ONE = """
CREATE FUNCTION record.append_one_by_one(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends the commands in order, each in a subtransaction, and says what became of each.
-- To be called under the lock, so positions have no gaps and versions cannot be stale.
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

            PERFORM claim(cmd);

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

TOGETHER = """
CREATE FUNCTION record.append_together(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends all of the commands, or nothing: then the answer is NULL, and nothing is said of why.
-- To be called under the lock. What it appends, append_one_by_one would append in the same way.
DECLARE
    last_position bigint;
    first_at      timestamptz;
    cmd           jsonb;
    outcomes      jsonb;
    reached       bigint;
BEGIN
    SELECT e.position, e.recorded_at + interval '1 microsecond' INTO last_position, first_at
        FROM events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    first_at := greatest(first_at, clock_timestamp());

    IF (
        SELECT count(*) <> count(DISTINCT stream)
            OR bool_or(given ? 'recorded_at' OR given->'events' = '[]')
            OR bool_or(version::integer <> coalesce(
                (SELECT max(e.version) FROM events e WHERE e.stream = read.stream::uuid), 0))
        FROM jsonb_array_elements(commands) AS given
        LEFT JOIN jsonb_each_text(given->'reads') AS read (stream, version) ON true
    ) THEN
        RETURN NULL; -- stale, perhaps; or one of them read what another one writes, or nothing
    END IF;

    WITH command AS MATERIALIZED (
        SELECT *, jsonb_array_length(events) AS size,
               sum(jsonb_array_length(events)) OVER (ORDER BY no) AS ends
        FROM ROWS FROM (
            jsonb_to_recordset(commands) AS (
                command_id uuid, operation text, digest text, reads jsonb, events jsonb)
        ) WITH ORDINALITY AS given (command_id, operation, digest, reads, events, no)
    ), written AS MATERIALIZED (
        SELECT e.*, command_id, ends - size + n AS place, ends,
               version IS DISTINCT FROM (reads->>stream::text)::integer
                   + row_number() OVER (PARTITION BY no, stream ORDER BY n) AS astray
        FROM command, ROWS FROM (
            jsonb_to_recordset(events) AS (
                stream uuid, version integer, topic text, schema_version integer, body jsonb)
        ) WITH ORDINALITY AS e (stream, version, topic, schema_version, body, n)
    ), clear AS MATERIALIZED (
        SELECT NOT bool_or(astray) AS way FROM written
    ), appended AS (
        INSERT INTO events (position, stream, version, topic, schema_version,
                            command_id, command_end, recorded_at, body)
        SELECT last_position + place, stream, version, topic, schema_version, command_id,
               last_position + ends, first_at + (place - 1) * interval '1 microsecond', body
        FROM written WHERE (SELECT way FROM clear)
    ), remembered AS (
        INSERT INTO record.commands
        SELECT command_id, operation, digest, last_position + ends - size + 1,
               last_position + ends, first_at + (ends - 1) * interval '1 microsecond'
        FROM command WHERE (SELECT way FROM clear)
        RETURNING *
    )
    SELECT jsonb_agg(jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(remembered))
                     ORDER BY first_position),
           max(remembered.last_position)
    INTO outcomes, reached FROM remembered;
    IF outcomes IS NULL THEN
        RETURN NULL;
    END IF;

    -- Claims in the order of the commands: nobody takes what only a later command gives up.
    FOR cmd IN
        SELECT value FROM jsonb_array_elements(commands)
        WHERE value ? 'restated' OR value->'unique' <> '[]'
    LOOP
        PERFORM claim(cmd);
    END LOOP;
    PERFORM pg_notify('wardbook_log', reached::text);
    RETURN outcomes;
EXCEPTION WHEN exclusion_violation OR unique_violation THEN
    RETURN NULL;
END $$;
"""

APPEND = """
CREATE OR REPLACE FUNCTION record.append(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
-- Appends a batch of commands in order, each whole or not at all, and says what became of each.
-- Everything is read after the lock is held, so positions have no gaps and versions cannot be stale.
BEGIN
    PERFORM pg_advisory_xact_lock(1463898722, 1);
    RETURN coalesce(
        CASE WHEN jsonb_array_length(commands) > 1 THEN append_together(commands) END,
        append_one_by_one(commands));
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA record FROM PUBLIC;
"""


def upgrade() -> None:
    for part in (CLAIM, ONE_BY_ONE, TOGETHER, APPEND):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
